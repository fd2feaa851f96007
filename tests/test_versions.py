"""Production's revision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_rehearsal import readback, versions
from alembic_rehearsal.connect import connected
from alembic_rehearsal.errors import DumpError
from alembic_rehearsal.model import Context, Restored, VersionTable
from alembic_rehearsal.postgres import Cluster

EMPTY = VersionTable("public", "alembic_version", "app", (), 32)
STAMPED = replace(EMPTY, rows=("a",))
RESTORED = Restored("app", True, "rehearsal_admin", (), 3, frozenset(), frozenset(), ())
CONTEXT = Context("alembic_version", "", ("b",), ("a",), transaction_per_migration=False)


@pytest.mark.parametrize("tables", [(), (EMPTY,)])
def test_tables_without_a_version_row_are_not_run_from_base(tables: tuple[VersionTable, ...]) -> None:
    """`pg_dump --schema-only` leaves the row out; the error has the recipe and --at."""
    with pytest.raises(DumpError) as error:
        versions.require(replace(RESTORED, version_tables=tables), ())

    assert "--data-only --table='*.alembic_version'" in error.value.fix
    assert "--at base" in error.value.fix


def test_a_row_or_a_word_of_the_user_is_enough() -> None:
    """Either says which revision production is at."""
    versions.require(replace(RESTORED, version_tables=(STAMPED,)), ())
    versions.require(RESTORED, ("base",))


def test_at_writes_the_row(cluster: Cluster, database: str) -> None:
    """--at makes the version table where there is none, and replaces what is in it."""
    admin = replace(cluster.admin, dbname=database)

    versions.write(admin, RESTORED, ("a", "b"))
    assert [table.rows for table in readback.version_tables_of(admin)] == [("a", "b")]

    versions.write(admin, replace(RESTORED, version_tables=readback.version_tables_of(admin)), ("c",))
    assert [table.rows for table in readback.version_tables_of(admin)] == [("c",)]


def test_at_base_leaves_no_row(cluster: Cluster, database: str) -> None:
    """A production that was never stamped starts from base."""
    admin = replace(cluster.admin, dbname=database)

    versions.write(admin, RESTORED, ("base",))

    assert readback.version_tables_of(admin) == ()


def test_of_several_tables_the_stamped_one_of_the_usual_name_is_preferred() -> None:
    """Until env.py has said which one it configures."""
    other = VersionTable("app", "alembic_version_plugin", "app", ("x",), 32)

    assert versions.preferred((EMPTY, other)) == other
    assert versions.preferred((other, STAMPED)) == STAMPED
    assert versions.preferred(()) is None


def test_the_configured_table_is_looked_up_on_the_search_path(cluster: Cluster, database: str) -> None:
    """A name without a schema means what PostgreSQL makes of it for the migrating role."""
    admin = replace(cluster.admin, dbname=database)
    with connected(admin) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"CREATE SCHEMA app; CREATE TABLE app.alembic_version (version_num text);"
            f"CREATE TABLE alembic_version (version_num text); ALTER DATABASE {database} SET search_path = app, public"
        )
    tables = readback.version_tables_of(admin)

    assert [t.schema for t in tables] == ["app", "public"]
    assert versions.configured(CONTEXT, tables, admin) == tables[0]
    assert versions.configured(replace(CONTEXT, version_table_schema="public"), tables, admin) == tables[1]
    assert versions.configured(replace(CONTEXT, version_table="other"), tables, admin) is None
