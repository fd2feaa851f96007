"""Production says no, or nothing: one clear error, no file, and nothing that anybody would notice over there."""

from __future__ import annotations

import os
import re
import stat
import time
from pathlib import Path

import psycopg2
import pytest
from fix_dumps import query
from fix_pooler import pooler
from fix_snapshots import ENCODED, PASSWORD, Live, make_reader

from alembic_rehearsal import programs
from alembic_rehearsal.errors import SnapshotError, UsageError
from alembic_rehearsal.postgres import Cluster
from alembic_rehearsal.snapshot import address, pgdump, production


def refused(live: Live, folder: Path, url: str | None = None) -> SnapshotError:
    """Take a snapshot that fails, and look after what is left of it."""
    with pytest.raises(SnapshotError) as caught:
        live.take(folder / "production.sql", url=url)

    assert not list(folder.glob("*production.sql*"))
    shown = str(caught.value) + caught.value.fix
    assert PASSWORD not in shown
    assert ENCODED not in shown
    return caught.value


def test_a_role_that_may_not_read_is_told_what_to_grant(live15: Live, tmp_path: Path) -> None:
    """The statements can be pasted, and then it works."""
    make_reader(live15.cluster.admin, "newcomer", "")
    error = refused(live15, tmp_path, live15.url_of("newcomer"))
    grants = error.fix.partition("\nor, as a superuser")[0]
    live15.execute(grants)
    live15.take(tmp_path / "production.sql", url=live15.url_of("newcomer"))

    assert "newcomer may not read app.users, public.alembic_version" in str(error)
    assert "GRANT SELECT ON ALL TABLES IN SCHEMA app TO newcomer;" in grants
    assert error.fix.endswith("GRANT pg_read_all_data TO newcomer;")


def test_a_role_that_can_read_no_row_will_do(shop: Live, tmp_path: Path) -> None:
    """From PostgreSQL 17 on MAINTAIN is enough for the locks; only the version table has to be read."""
    if shop.cluster.offer.major < 17:
        make_reader(shop.cluster.admin, "blind", "")
        assert "blind may not read" in str(refused(shop, tmp_path, shop.url_of("blind")))
        return
    make_reader(shop.cluster.admin, "blind", "GRANT pg_maintain TO blind")
    shop.execute('GRANT USAGE ON SCHEMA app, "Odd Schema" TO blind')
    error = refused(shop, tmp_path, shop.url_of("blind"))
    shop.execute("GRANT SELECT ON app.alembic_version TO blind")
    taken = shop.take(tmp_path / "production.sql", url=shop.url_of("blind"))

    assert "may not read app.alembic_version, and" in str(error)
    assert taken.revisions == {("app", "alembic_version"): ("abc123",)}


def test_production_is_left_as_it_was(live15: Live, tmp_path: Path) -> None:
    """No transaction number is used up, no catalog row is written, no session stays."""
    before = live15.traces()
    live15.take(tmp_path / "production.sql")

    assert live15.traces() == before
    assert live15.sessions() == []


def test_every_session_is_read_only(live15: Live, tmp_path: Path) -> None:
    """The tool's own and pg_dump's, by the server's own settings, for a superuser too."""
    make_reader(live15.cluster.admin, "boss", "ALTER ROLE boss SUPERUSER")
    own = address.parse(live15.url_of("boss"))

    with (
        production.session(own) as connection,
        pytest.raises(psycopg2.errors.ReadOnlySqlTransaction),
        connection.cursor() as cursor,
    ):
        cursor.execute("CREATE TABLE public.traces (id int)")
    with production.session(own) as connection:
        settings = production.ask(connection, "SELECT name, setting FROM pg_settings WHERE source = 'client'")
    assert ("default_transaction_read_only", "on") in settings
    assert "default_transaction_read_only=on" in own.environment(connection, production.options(own))["PGOPTIONS"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:HUSH@host:5432@x/db",
        "postgresql://u:HU/SH@host:5432/db",
        "postgresql://u:HUSH%zz@host/db",
        "postgresql://u:HUSH@host:54x2/db",
        "mysql://u:HUSH@host/db",
        "HUSH",
        "",
        "postgresql+asyncpg://u:HUSH@host/db?ssl=require",
        "postgresql://u:x@host/db?sslpassword=HUSH",
    ],
)
def test_a_url_that_is_none_is_not_repeated(live15: Live, tmp_path: Path, url: str) -> None:
    """Any piece of it may be the password."""
    with pytest.raises(UsageError) as caught:
        live15.take(tmp_path / "production.sql", url=url)

    assert not re.search("HU|SH", str(caught.value) + caught.value.fix.replace("SHOW", ""))


def test_a_drivers_own_parameter_is_named() -> None:
    """SQLAlchemy's URL for asyncpg isn't libpq's."""
    with pytest.raises(UsageError, match="it has the parameters ssl, timeout"):
        address.parse("postgresql+asyncpg://u:p@host/db?ssl=require&timeout=3")


def test_a_server_that_isnt_there(live15: Live, tmp_path: Path) -> None:
    """It says where it looked, and how to try it alone."""
    error = refused(live15, tmp_path, f"postgresql://reader:{ENCODED}@127.0.0.1:1/live")

    assert "production can't be reached" in str(error)
    assert "psql" in error.fix


def test_a_wrong_password_and_a_wrong_database(live15: Live, tmp_path: Path) -> None:
    """The server's own words are shown."""
    assert "can't be reached" in str(refused(live15, tmp_path, live15.url_of("reader", "nonsense")))
    assert '"elsewhere"' in str(refused(live15, tmp_path, live15.url.replace("/live", "/elsewhere")))


def test_a_connection_that_is_lost(live15: Live, tmp_path: Path) -> None:
    """As when the server restarts between the two runs of pg_dump: no half of a snapshot."""

    def strike(step: str) -> None:
        if step == "dumping the version rows":
            live15.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'")

    with pytest.raises(SnapshotError, match="pg_dump 15 failed with status 1"):
        live15.take(tmp_path / "production.sql", progress=strike)

    assert not (tmp_path / "production.sql").exists()


def test_a_table_that_is_locked_is_not_waited_for(
    live15: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a waiting migration everybody would wait in turn."""
    monkeypatch.setattr(production, "LOCK_WAIT_MS", 300)
    locker = psycopg2.connect(**live15.admin.kwargs())
    try:
        locker.cursor().execute("LOCK TABLE app.users IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        error = refused(live15, tmp_path)
        took = time.monotonic() - began
    finally:
        locker.close()

    assert "app.users" in str(error)
    assert took < 10


def test_pg_dump_that_takes_too_long_is_stopped(live15: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its locks are gone with it."""
    monkeypatch.setattr(pgdump, "LIMIT_S", 0.5)
    locker = psycopg2.connect(**live15.admin.kwargs())
    try:
        locker.cursor().execute("LOCK TABLE app.users IN ACCESS EXCLUSIVE MODE")
        error = refused(live15, tmp_path)
    finally:
        locker.close()

    assert "took longer than 0.5 s" in str(error)


def test_an_older_pg_dump_is_not_tried(cluster17: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the package; with the wheels at hand theirs is taken, and of two the nearer version."""
    assert pgdump.choose(170010)[0].major == 17
    assert pgdump.choose(160000)[0].major == 17
    assert pgdump.choose(180000)[0].major == 18
    monkeypatch.setattr(programs, "_WHEELS", ())
    monkeypatch.setattr(programs, "_FOLDERS", ("/usr/lib/postgresql/15/bin",))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SnapshotError, match=r"is PostgreSQL 17, which needs pg_dump 17 or later, and the newest") as no:
        pgdump.choose(170010)
    monkeypatch.setattr(programs, "_FOLDERS", ())
    with pytest.raises(SnapshotError, match="none was found here"):
        pgdump.choose(170010)

    assert "postgresql-client-17" in no.value.fix
    assert "alembic-rehearsal[embedded]" in no.value.fix


def test_the_password_is_on_no_command_line(live15: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump gets it by its environment; what has no variable there is an argument."""
    real = pgdump.choose(live15.cluster.offer.major * 10000)[0].path
    wrapper = tmp_path / "bin" / "pg_dump"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/argv\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    live15.take(tmp_path / "production.sql", url=live15.url + "?keepalives=1&keepalives_idle=30")
    argv = (tmp_path / "argv").read_text()

    assert "--dbname=keepalives='1' keepalives_idle='30'" in argv.splitlines()
    assert argv.count("--snapshot=") == 2
    assert PASSWORD not in argv
    assert ENCODED not in argv


@pytest.mark.parametrize("refuses", [True, False])
def test_a_connection_pooler_is_recognised(live15: Live, tmp_path: Path, refuses: bool) -> None:
    """pg_dump's settings would stay on the connections that the application gets next."""
    with pooler(live15.cluster.admin.port, refuses=refuses) as port:
        error = refused(live15, tmp_path, live15.url.replace(f":{live15.cluster.admin.port}/", f":{port}/"))

    assert "connection pooler" in str(error)
    assert "connectionString" in error.fix


def test_the_file_is_for_its_owner_alone(live15: Live, tmp_path: Path) -> None:
    """Also where a file with other rights stood."""
    target = tmp_path / "production.sql"
    target.write_text("")
    target.chmod(0o644)
    live15.take(target)

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert query(live15.admin, "SELECT 1") == [(1,)]


def test_a_signal_leaves_no_piece_of_a_file(live15: Live, tmp_path: Path) -> None:
    """Whatever ends it, and nothing goes on over there."""

    def interrupt(step: str) -> None:
        if step == "dumping the version rows":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        live15.take(tmp_path / "production.sql.gz", progress=interrupt)

    assert not list(tmp_path.glob("*.gz*"))
    assert not list(tmp_path.glob(".*"))
    # A server notices the end of a connection when it comes to it.
    until = time.monotonic() + 10
    while live15.sessions() and time.monotonic() < until:
        time.sleep(0.05)
    assert live15.sessions() == []
