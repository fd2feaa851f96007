"""What a new connection sees afterwards: fingerprint, version rows, what was committed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_rehearsal import readback
from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Endpoint, VersionTable
from alembic_rehearsal.postgres import Cluster

BEFORE = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('a');
"""


@pytest.fixture
def admin(cluster: Cluster, database: str) -> Endpoint:
    found = replace(cluster.admin, dbname=database)
    execute(found, BEFORE)
    return found


def execute(admin: Endpoint, *statements: str) -> None:
    with connected(admin) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


TABLE = VersionTable("public", "alembic_version", "rehearsal_admin", ("a",), 32)


def test_finds_version_tables_by_their_shape(admin: Endpoint) -> None:
    """Any table whose one column is version_num counts, whatever its name and schema."""
    execute(
        admin,
        "CREATE SCHEMA plugin",
        'CREATE TABLE plugin."Odd version" (version_num text)',
        "CREATE TABLE not_one (version_num text, more text)",
        "CREATE TABLE plugin.alembic_more (version_num text, more text)",
        "CREATE VIEW alembic_old AS SELECT version_num FROM alembic_version",
        "CREATE TABLE neither (version text)",
    )

    found = readback.version_tables_of(admin)

    assert [(table.schema, table.name, table.rows, table.width) for table in found] == [
        ("plugin", "Odd version", (), None),
        ("plugin", "alembic_more", (), None),
        ("public", "alembic_old", ("a",), 32),
        ("public", "alembic_version", ("a",), 32),
    ]


def test_a_rolled_back_run_leaves_nothing(admin: Endpoint) -> None:
    """What was rolled back is not in the catalogs."""
    mark = readback.mark(admin, "token")
    execute(admin, "BEGIN; CREATE TABLE t (); ALTER TABLE users ADD phone text; ROLLBACK")

    found = readback.read(admin, mark, TABLE, ("token",))

    assert found.fingerprint_found
    assert found.committed == found.unfinished == ()


def test_what_is_committed_after_the_version_row_is_unfinished(admin: Endpoint) -> None:
    """Objects committed with or before the last write of the version table belong to revisions that are done."""
    mark = readback.mark(admin, "token")
    execute(
        admin,
        "BEGIN; CREATE TABLE t (id int); UPDATE alembic_version SET version_num = 'b'; COMMIT",
        "ALTER TABLE users ADD phone text",
        "CREATE TYPE color AS ENUM ('red')",
        "ALTER TYPE color ADD VALUE 'blue'",
        "CREATE INDEX ix ON users (email)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    )

    found = readback.read(admin, mark, TABLE, ("token",))

    assert "table public.t" in found.committed
    assert "table public.t" not in found.unfinished
    assert {
        "column public.users.phone",
        "type public.color",
        "enum label public.color 'blue'",
        "index public.ix",
        "function public.f()",
    } <= set(found.unfinished)


def test_without_a_new_version_row_all_that_was_committed_is_unfinished(admin: Endpoint) -> None:
    """A run that died after an autocommit block leaves its pieces at the old revision."""
    mark = readback.mark(admin, "token")
    execute(admin, "CREATE INDEX CONCURRENTLY ix ON users (email)")

    found = readback.read(admin, mark, TABLE, ("token",))

    assert "index public.ix" in found.unfinished


def test_another_database_does_not_have_the_fingerprint(admin: Endpoint) -> None:
    """The proof that it is the prepared database which was migrated."""
    mark = readback.mark(admin, "token")

    assert not readback.read(admin, replace(mark, token="other"), TABLE, ()).fingerprint_found


@pytest.mark.parametrize(
    ("sql", "name", "kind", "identity"),
    [
        ("", "users", "table", "public.users"),
        ("", "email", "column", "public.users.email"),
        ("", "users_pkey", "primary key", "public.users_pkey"),
        ("CREATE INDEX ix ON users (email)", "ix", "index", "public.ix"),
        ("CREATE VIEW v AS SELECT 1", "v", "view", "public.v"),
        ("CREATE TYPE color AS ENUM ('red')", "color", "enum type", "public.color"),
        ("ALTER TABLE users ADD CONSTRAINT uq UNIQUE (email)", "uq", "unique constraint", "public.uq"),
        ("ALTER TABLE users ADD CONSTRAINT ck CHECK (id > 0)", "ck", "check constraint", "public.ck"),
        ("CREATE SCHEMA s", "s", "schema", "s"),
    ],
)
def test_says_what_stands_under_a_name(admin: Endpoint, sql: str, name: str, kind: str, identity: str) -> None:
    """DuplicateTable may be a table, an index, a sequence, a view or a constraint."""
    if sql:
        execute(admin, sql)

    found = readback.present(admin, frozenset({name, "no such name"}))

    assert list(found) == [name]
    assert (found[name][0].kind, found[name][0].identity) == (kind, identity)
