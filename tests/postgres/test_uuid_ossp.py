"""The SQL implementation of uuid-ossp, for servers in wheels."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg2
import pytest

from alembic_rehearsal.postgres import Cluster, databases

_NAMES = ["", "a", "www.example.org", "ünïcödé 漢字", "x" * 39, "x" * 40, "x" * 47, "x" * 48, "y" * 200, "z" * 5000]


@pytest.fixture(params=["cluster17", "cluster18"])
def cursor(request: pytest.FixtureRequest) -> Iterator[psycopg2.extensions.cursor]:
    """A cursor in a fresh database with the extension."""
    cluster: Cluster = request.getfixturevalue(request.param)
    assert "uuid-ossp" in cluster.offer.completed
    databases.create(cluster, "uuids")
    link = psycopg2.connect(**{**cluster.admin.kwargs(), "dbname": "uuids"})
    try:
        link.autocommit = True
        with link.cursor() as opened:
            opened.execute('CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public')
            yield opened
    finally:
        link.close()
        databases.drop(cluster, "uuids")


def _one(cursor: psycopg2.extensions.cursor, query: str, *values: str) -> uuid.UUID:
    cursor.execute(query, values)
    row = cursor.fetchone()
    assert row is not None
    return uuid.UUID(row[0])


def test_v3_and_v5_are_what_python_makes(cursor: psycopg2.extensions.cursor) -> None:
    """Names of all lengths around SHA-1's block size of 64 bytes."""
    query = "SELECT public.uuid_generate_v{}(public.uuid_ns_dns(), %s)"

    for name in _NAMES:
        assert _one(cursor, query.format(3), name) == uuid.uuid3(uuid.NAMESPACE_DNS, name)
        assert _one(cursor, query.format(5), name) == uuid.uuid5(uuid.NAMESPACE_DNS, name)


def test_the_namespaces_are_the_standard_ones(cursor: psycopg2.extensions.cursor) -> None:
    """RFC 9562 names them."""
    assert _one(cursor, "SELECT uuid_nil()") == uuid.UUID(int=0)
    assert _one(cursor, "SELECT uuid_ns_dns()") == uuid.NAMESPACE_DNS
    assert _one(cursor, "SELECT uuid_ns_url()") == uuid.NAMESPACE_URL
    assert _one(cursor, "SELECT uuid_ns_oid()") == uuid.NAMESPACE_OID
    assert _one(cursor, "SELECT uuid_ns_x500()") == uuid.NAMESPACE_X500


@pytest.mark.parametrize(("function", "version"), [("v1", 1), ("v1mc", 1), ("v4", 4)])
def test_generated_ones_have_version_and_variant_and_never_repeat(
    cursor: psycopg2.extensions.cursor, function: str, version: int
) -> None:
    """A thousand in one statement."""
    cursor.execute(f"SELECT uuid_generate_{function}() FROM generate_series(1, 1000)")
    made = [uuid.UUID(value) for (value,) in cursor.fetchall()]

    assert {(one.version, one.variant) for one in made} == {(version, uuid.RFC_4122)}
    assert len(set(made)) == 1000


def test_v1_holds_the_time(cursor: psycopg2.extensions.cursor) -> None:
    """In steps of 100 ns since 1582, to the second."""
    made = _one(cursor, "SELECT uuid_generate_v1mc()")

    assert abs(made.time - uuid.uuid1().time) < 60 * 10_000_000
    assert made.node >> 40 & 1 == 1


def test_it_can_be_a_default_moved_and_updated(cursor: psycopg2.extensions.cursor) -> None:
    """What dumps and migrations do with it."""
    cursor.execute("CREATE TABLE t (id uuid DEFAULT public.uuid_generate_v4(), n text)")
    cursor.execute("CREATE INDEX ON t (public.uuid_generate_v5(id, n))")
    cursor.execute("INSERT INTO t (n) VALUES ('x')")
    cursor.execute("CREATE SCHEMA elsewhere")
    cursor.execute('ALTER EXTENSION "uuid-ossp" SET SCHEMA elsewhere')
    cursor.execute('ALTER EXTENSION "uuid-ossp" UPDATE')
    cursor.execute("INSERT INTO t (n) VALUES ('y')")
    cursor.execute('DROP EXTENSION "uuid-ossp" CASCADE')


def test_its_functions_are_those_of_the_real_one(
    cursor: psycopg2.extensions.cursor, cluster: Cluster, database: str
) -> None:
    """Same names, arguments, results, volatility, strictness; compared with contrib's own where that is here."""
    if "uuid-ossp" in cluster.offer.completed:
        pytest.skip("no real uuid-ossp here")
    query = """
        SELECT p.oid::regprocedure::text, p.prorettype::regtype::text, p.provolatile, p.proisstrict, p.proparallel,
               p.proargnames
        FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
        JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname = 'uuid-ossp' ORDER BY 1
    """
    cursor.execute(query)
    ours = cursor.fetchall()
    link = psycopg2.connect(**{**cluster.admin.kwargs(), "dbname": database})
    try:
        with link.cursor() as real:
            real.execute('CREATE EXTENSION "uuid-ossp"')
            real.execute(query)
            theirs = real.fetchall()
    finally:
        link.close()

    assert ours == theirs
