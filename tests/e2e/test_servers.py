"""Whole runs on every kind of server."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from alembic_rehearsal.connect import connected
from alembic_rehearsal.postgres import Cluster, databases
from fix_postgres import of_engine
from fix_projects import BODY, OWNER, Production, Tool, write_project

USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))'
TOKENS = 'op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True))'
STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY);
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('0001');
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS})


@pytest.fixture(params=["cluster17", "cluster18"])
def newer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Production]:
    """A production on a server from a wheel."""
    server: Cluster = request.getfixturevalue(request.param)
    with connected(server.admin) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{OWNER}'")
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {OWNER}")
    name = f"production_{secrets.token_hex(4)}"
    databases.create(server, name, owner=OWNER)
    yield Production(server, name, tmp_path)
    databases.drop(server, name)


def test_a_dump_gets_a_server_of_its_own_major(newer: Production, project: Path, rehearse: Tool) -> None:
    """PostgreSQL 17 and 18: what passes there passes here, what collides there collides here."""
    newer.execute(STAMPED)
    passing = rehearse(project, newer.dump())
    newer.execute("CREATE VIEW tokens AS SELECT 1")

    blocked = rehearse(project, newer.dump())

    assert passing.status == 0, passing.stdout + passing.stderr
    assert passing.report["server"]["major"] == newer.cluster.offer.major
    assert blocked.places == [("0002", "42P07", BODY)]
    assert "production has view public.tokens" in blocked.errors[0]["evidence"][0]


@pytest.mark.docker(alone=True)
def test_a_container_is_as_good_as_a_local_server(production: Production, project: Path, rehearse: Tool) -> None:
    """The docker provider blocks what is to be blocked, and its container is gone afterwards."""
    of_engine()
    production.execute(STAMPED + "CREATE TABLE tokens (id int)")

    done = rehearse(project, production.dump(), "--postgres", "docker")

    assert done.status == 1, done.stdout + done.stderr
    assert done.places == [("0002", "42P07", BODY)]
    assert done.report["server"]["provider"] == "docker"
    listed = ["docker", "ps", "--all", "--quiet", "--filter", "label=alembic-rehearsal"]
    deadline = time.monotonic() + 10
    while (
        left := subprocess.run(listed, capture_output=True, text=True, check=True).stdout
    ) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == ""


def names(admin_of: Cluster, catalog: str, column: str) -> set[str]:
    with connected(admin_of.admin) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {catalog}")
        return {name for (name,) in cursor.fetchall()}


@pytest.fixture
def given(cluster17: Cluster) -> Iterator[str]:
    """The URL of somebody's server, with a superuser's password."""
    with connected(cluster17.admin) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE ROLE somebody SUPERUSER LOGIN PASSWORD 'x' VALID UNTIL 'infinity'")
    end = cluster17.endpoint("postgres", user="somebody", password="x")
    yield f"postgresql://{end.user}:{end.password}@{end.host}:{end.port}/{end.dbname}"
    with connected(cluster17.admin) as connection, connection.cursor() as cursor:
        cursor.execute("DROP ROLE somebody")


def test_a_given_server_is_left_as_it_was(
    given: str, cluster17: Cluster, newer: Production, project: Path, rehearse: Tool
) -> None:
    """Scratch databases and roles are gone after a pass, a red and a bad dump; a role that it had is as before."""
    newer.execute(STAMPED)
    dump = newer.dump()
    roles = "concat_ws(' ', rolname, rolcanlogin, rolpassword, rolvaliduntil)"
    before = names(cluster17, "pg_database", "datname"), names(cluster17, "pg_authid", roles)
    bad = dump.with_name("bad.sql")
    bad.write_text(dump.read_text() + "\nCREATE TABLE public.users ();\n-- PostgreSQL database dump complete\n")

    results = [rehearse(project, each, "--postgres", given).status for each in (dump, bad)]

    assert results == [0, 3]
    assert (names(cluster17, "pg_database", "datname"), names(cluster17, "pg_authid", roles)) == before


def test_the_projects_own_server_is_refused(given: str, production: Production, project: Path, rehearse: Tool) -> None:
    """A database that the environment or alembic.ini names is never used, whatever --postgres says."""
    production.execute(STAMPED)

    done = rehearse(project, production.dump(), "--postgres", given, env={"DATABASE_URL": given})

    assert done.status == 2
    assert "configured to use" in done.stderr
    assert "'x'" not in done.stderr
    assert ":x@" not in done.stderr


def test_keep_leaves_the_server_up_until_a_signal(production: Production, project: Path) -> None:
    """The report is printed first; the address that is printed works; ^C ends it with the verdict's status."""
    production.execute(STAMPED)
    tool = subprocess.Popen(
        [sys.executable, "-m", "alembic_rehearsal", "run", "--dump", str(production.dump()), "--keep"],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tool.stderr is not None
    address = next(line for line in tool.stderr if line.startswith("psql ")).split("'")[1]

    connection = psycopg2.connect(address)
    with connection.cursor() as cursor:
        cursor.execute("SELECT version_num FROM alembic_version")
        assert cursor.fetchall() == [("0002",)]
    connection.close()
    tool.send_signal(signal.SIGINT)

    assert tool.wait(timeout=20) == 0
    assert tool.stdout is not None
    assert "PASS: 1 revision applied" in tool.stdout.read()
    tool.stdout.close()
    tool.stderr.close()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(address)


def test_an_older_server_is_not_taken_silently(production: Production, project: Path, rehearse: Tool) -> None:
    """Another major than production's comes with a warning."""
    production.execute(STAMPED)
    dump = production.dump()
    dump.write_text(dump.read_text().replace("Dumped from database version 15", "Dumped from database version 16"))

    done = rehearse(project, dump)

    assert done.status == 0, done.stdout + done.stderr
    assert any("production runs PostgreSQL 16" in note for note in done.report["notes"])
