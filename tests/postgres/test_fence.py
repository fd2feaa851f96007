"""The throw-away server can't connect out: production's schema brings foreign servers and passwords along."""

from __future__ import annotations

import sys

import psycopg2
import pytest

from alembic_rehearsal import sandbox
from alembic_rehearsal.postgres import Cluster, databases

pytestmark = pytest.mark.skipif(not sandbox.available(), reason="the kernel has no guards")


@pytest.fixture
def elsewhere(cluster17: Cluster) -> str:
    """A real server on loopback that anybody with the password may use."""
    link = psycopg2.connect(**cluster17.admin.kwargs())
    try:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute("DROP ROLE IF EXISTS production")
            cursor.execute("CREATE ROLE production LOGIN SUPERUSER PASSWORD 'secret'")
    finally:
        link.close()
    port = cluster17.admin.port
    psycopg2.connect(host="127.0.0.1", port=port, user="production", password="secret", dbname="postgres").close()
    return f"host=127.0.0.1 port={port} user=production password=secret dbname=postgres"


def _attempt(cluster: Cluster, database: str, *statements: str) -> psycopg2.Error:
    link = psycopg2.connect(**{**cluster.admin.kwargs(), "dbname": database})
    try:
        link.autocommit = True
        with link.cursor() as cursor:
            for statement in statements[:-1]:
                cursor.execute(statement)
            with pytest.raises(psycopg2.Error) as caught:
                cursor.execute(statements[-1])
    finally:
        link.close()
    return caught.value


def test_dblink_reaches_nothing(cluster: Cluster, database: str, elsewhere: str) -> None:
    """08001 is sqlclient_unable_to_establish_sqlconnection."""
    error = _attempt(cluster, database, "CREATE EXTENSION dblink", f"SELECT dblink_connect('{elsewhere}')")

    assert error.pgcode == "08001"
    assert "Permission denied" in str(error)


def test_foreign_tables_reach_nothing(cluster: Cluster, database: str, elsewhere: str) -> None:
    """A foreign server with its password is in many a production schema."""
    port = elsewhere.split("port=")[1].split()[0]
    error = _attempt(
        cluster,
        database,
        "CREATE EXTENSION postgres_fdw",
        f"CREATE SERVER prod FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{port}')",
        "CREATE USER MAPPING FOR PUBLIC SERVER prod OPTIONS (user 'production', password 'secret')",
        "CREATE FOREIGN TABLE f (i int) SERVER prod OPTIONS (table_name 'pg_class')",
        "SELECT * FROM f",
    )

    assert error.pgcode == "08001"


def test_programs_that_it_starts_reach_nothing(cluster: Cluster, database: str, elsewhere: str) -> None:
    """COPY ... FROM PROGRAM inherits the fence; here its program is bash, connecting by itself."""
    port = elsewhere.split("port=")[1].split()[0]
    program = f"bash -c ''exec 3<>/dev/tcp/127.0.0.1/{port}'' 2>&1 || true"
    link = psycopg2.connect(**{**cluster.admin.kwargs(), "dbname": database})
    try:
        with link.cursor() as cursor:
            cursor.execute("CREATE TABLE out (line text)")
            cursor.execute(f"COPY out FROM PROGRAM '{program}'")
            cursor.execute("SELECT string_agg(line, ' ') FROM out")
            said = cursor.fetchone()
    finally:
        link.close()

    assert said is not None
    assert "Permission denied" in said[0]


def test_a_subscription_stays_asleep(cluster: Cluster, database: str, elsewhere: str) -> None:
    """Connecting at once is refused, and without the launcher an enabled one doesn't try either."""
    publication = f"SUBSCRIPTION s CONNECTION '{elsewhere}' PUBLICATION p"
    error = _attempt(cluster, database, f"CREATE {publication}")
    assert error.pgcode in ("08001", "08006")

    link = psycopg2.connect(**{**cluster.admin.kwargs(), "dbname": database})
    try:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute(f"CREATE {publication} WITH (connect = false)")
            cursor.execute("SHOW max_logical_replication_workers")
            assert cursor.fetchone() == ("0",)
            cursor.execute("ALTER SUBSCRIPTION s SET (slot_name = NONE)")
            cursor.execute("DROP SUBSCRIPTION s")
    finally:
        link.close()


def test_the_fence_is_reported(cluster: Cluster) -> None:
    """So that the report can say so."""
    assert sys.platform == "linux"
    assert cluster.fenced == "tcp and unix"


def test_the_tool_itself_still_connects(cluster: Cluster, database: str) -> None:
    """Only the server is fenced in."""
    databases.create(cluster, f"{database}_more")
    databases.drop(cluster, f"{database}_more")
