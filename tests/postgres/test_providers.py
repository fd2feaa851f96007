"""Every provider keeps the same promises."""

from __future__ import annotations

import importlib
import os
import pkgutil
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from alembic_rehearsal import postgres, proc, sandbox, workdir
from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.model import Endpoint, Offer
from alembic_rehearsal.postgres import Cluster, databases, engine
from fix_postgres import available, of_engine


def _cases() -> list[object]:
    """Return one parameter for each server that can be started, and one for the engine's newest image."""
    local = [pytest.param(offer, id=f"{offer.provider}-{offer.major}") for offer in available()]
    return [*local, pytest.param(None, id="docker", marks=pytest.mark.docker)]


@pytest.fixture(params=_cases())
def offer(request: pytest.FixtureRequest) -> Offer:
    """One offer of each provider."""
    if isinstance(request.param, Offer):
        return request.param
    return of_engine()[0]


@contextmanager
def connected(endpoint: Endpoint) -> Iterator[psycopg2.extensions.cursor]:
    """Yield a cursor in autocommit."""
    link = psycopg2.connect(**endpoint.kwargs())
    try:
        link.autocommit = True
        with link.cursor() as cursor:
            yield cursor
    finally:
        link.close()


def _servers_under(place: Path) -> list[int]:
    """Return the processes that work there; what was killed just now may take a moment to be gone."""
    until = time.monotonic() + 5
    while (found := _working_under(place)) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def _working_under(place: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                working = (entry / "cwd").readlink()
            except OSError:
                continue
            if working.is_relative_to(place):
                found.append(int(entry.name))
    return found


def test_every_provider_keeps_the_contract(offer: Offer) -> None:
    """Started, used by an ordinary role, logged, cloned, stopped; nothing is left."""
    with workdir.run_directory(expected_bytes=0) as place:
        password = secrets.token_hex(8)
        with postgres.start(offer, workdir=place, password=password, trusted=("dblink",)) as cluster:
            cluster.ready(60)
            _work_as_an_ordinary_role(cluster)
            _see_what_was_logged(cluster)
            _clone_and_drop(cluster)
            assert cluster.offer.version.startswith(f"{offer.major}.")
            assert cluster.admin.port not in (5432, 5433)
            if offer.provider != "docker":
                assert cluster.fenced == " and ".join(sorted(sandbox.available()))
                assert list(place.iterdir())
        assert list(place.iterdir()) == []
        assert _servers_under(place) == []
    assert not place.exists()
    assert not place.with_name(f"{place.name}.lock").exists()


def _work_as_an_ordinary_role(cluster: Cluster) -> None:
    with connected(cluster.admin) as cursor:
        cursor.execute("CREATE ROLE worker LOGIN PASSWORD 'of-the-worker'")
    databases.create(cluster, "worked", owner="worker")
    endpoint = cluster.endpoint("worked", user="worker", password="of-the-worker")
    assert endpoint.host == "127.0.0.1"
    with connected(endpoint) as cursor:
        cursor.execute("CREATE TABLE t (i int); INSERT INTO t VALUES (7)")
        # The platform's allow-list makes it possible; without it this is SQLSTATE 42501.
        cursor.execute("CREATE EXTENSION dblink")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("CREATE EXTENSION file_fdw")
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(**cluster.endpoint("worked", user="worker", password="wrong").kwargs())
    if cluster.admin.host != "127.0.0.1":
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(**cluster.endpoint("worked", user=postgres.ADMIN, password="").kwargs())


def _see_what_was_logged(cluster: Cluster) -> None:
    mark = cluster.log_mark()
    endpoint = cluster.endpoint("worked", user="worker", password="of-the-worker")
    with connected(endpoint) as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS t (i int)")
        with pytest.raises(psycopg2.Error):
            cursor.execute("SELECT 'üñí\n\"second line\"'::text || (1/0)::text")
    records, end = cluster.log(mark)

    assert [(record.severity, record.sqlstate) for record in records] == [("NOTICE", "42P07"), ("ERROR", "22012")]
    assert (records[1].dbname, records[1].user) == ("worked", "worker")
    assert records[1].statement == "SELECT 'üñí\n\"second line\"'::text || (1/0)::text"
    assert cluster.log(end)[0] == []


def _clone_and_drop(cluster: Cluster) -> None:
    databases.clone(cluster, "worked", 'copy of "worked"')
    with connected(cluster.endpoint('copy of "worked"', user="worker", password="of-the-worker")) as cursor:
        cursor.execute("SELECT i FROM t")
        assert cursor.fetchall() == [(7,)]
    databases.drop(cluster, 'copy of "worked"')
    databases.drop(cluster, 'copy of "worked"')
    with pytest.raises(ServerError, match="42P04"):
        databases.create(cluster, "worked")


def test_an_exception_in_the_run_leaves_nothing(offer: Offer) -> None:
    """Also when the server isn't even up yet."""
    places: list[Path] = []
    with (
        pytest.raises(KeyboardInterrupt),
        workdir.run_directory(expected_bytes=0) as place,
        postgres.start(offer, workdir=place, password="x"),
    ):
        _interrupt(places, place)

    assert not places[0].exists()
    assert _servers_under(places[0]) == []
    if offer.provider == "docker":
        assert _containers(os.fspath(places[0])) == []


def _interrupt(places: list[Path], place: Path) -> None:
    places.append(place)
    raise KeyboardInterrupt


def _containers(token: str) -> list[str]:
    with engine.connected(10) as api:
        return [one["Id"] for one in api.containers(all=True, filters={"label": f"alembic-rehearsal={token}"})]


@pytest.mark.docker
def test_a_container_can_reach_nothing() -> None:
    """It has no network at all: neither the engine's host nor the world."""
    with (
        workdir.run_directory(expected_bytes=0) as place,
        postgres.start(of_engine()[0], workdir=place, password="x") as cluster,
    ):
        cluster.ready(60)
        with connected(cluster.admin) as cursor:
            cursor.execute("CREATE TEMP TABLE seen (line text)")
            cursor.execute("COPY seen FROM PROGRAM 'tail -n +3 /proc/net/dev | cut -d: -f1'")
            cursor.execute("SELECT trim(line) FROM seen")
            assert cursor.fetchall() == [("lo",)]


@pytest.mark.docker
@pytest.mark.parametrize(("expected", "filesystem"), [(0, "tmpfs"), (1 << 50, "other"), (None, "other")])
def test_a_container_keeps_a_small_database_in_memory(expected: int | None, filesystem: str) -> None:
    """Its set-up makes a thousand files; what is too big for the engine's machine, or not known, is on its disk."""
    with (
        workdir.run_directory(expected_bytes=0) as place,
        postgres.start(of_engine()[0], workdir=place, password="x", expected_bytes=expected) as cluster,
    ):
        cluster.ready(60)
        with connected(cluster.admin) as cursor:
            cursor.execute("SELECT current_setting('data_directory')")
            [directory] = cursor.fetchone() or ("",)
            cursor.execute("CREATE TEMP TABLE seen (line text)")
            cursor.execute(f"COPY seen FROM PROGRAM 'stat -f -c %T {directory}'")
            cursor.execute("SELECT CASE line WHEN 'tmpfs' THEN line ELSE 'other' END FROM seen")
            assert cursor.fetchall() == [(filesystem,)]


def test_every_module_with_offers_is_registered() -> None:
    """A provider that is only written, and not registered, would never be asked."""
    names = [name for _, name, _ in pkgutil.iter_modules(postgres.__path__)]
    modules = [importlib.import_module(f"alembic_rehearsal.postgres.{name}") for name in names]
    providers = {module.NAME: module for module in modules if hasattr(module, "offers") and hasattr(module, "start")}

    assert dict(postgres.PROVIDERS) == providers


def test_the_server_does_not_run_as_root() -> None:
    """PostgreSQL refuses, so the account is another one."""
    account = proc.unprivileged()

    assert (account is None) == (os.geteuid() != 0)
    assert account is None or account.uid != 0
