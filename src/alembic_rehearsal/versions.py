"""Which revision production is at: the rows of the version table, or the reason why they can't be known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg2 import sql

from alembic_rehearsal.connect import connected
from alembic_rehearsal.errors import DumpError
from alembic_rehearsal.model import Context, Endpoint, Restored, VersionTable

RECIPE = """    pg_dump --create --schema-only "$DATABASE_URL" > production.sql
    pg_dump --data-only --table='*.{table}' "$DATABASE_URL" >> production.sql"""


def require(restored: Restored, at: Sequence[str]) -> None:
    """Stop unless the restored database says which revision production is at, or *at* does.

    Raises:
        DumpError: there are tables, and no version row: an upgrade from base would meet all of them.
    """
    if at or any(table.rows for table in restored.version_tables):
        return
    if restored.version_tables:
        names = ", ".join(f"{table.schema}.{table.name}" for table in restored.version_tables)
        raise DumpError(
            f"the dump has {restored.table_count} tables and no row in {names}, so production's revision isn't known",
            fix="pg_dump --schema-only leaves the row out. Take it along:\n"
            + RECIPE.format(table=restored.version_tables[0].name)
            + "\nor say the revision: --at REVISION. If the row is missing in production too: --at base.",
        )
    raise DumpError(
        f"the dump has {restored.table_count} tables and no version table, so production's revision isn't known",
        fix="If the table was left out of the dump, take it along:\n"
        + RECIPE.format(table="alembic_version")
        + "\nIf production was never stamped, `alembic upgrade` starts from base there: --at base.",
    )


def write(
    admin: Endpoint, restored: Restored, at: Sequence[str], named: tuple[str, str] | None = None
) -> tuple[str, str] | None:
    """Put the revisions *at* into a version table, and return its schema and name; "base" stands for no row.

    Args:
        named: the table that env.py configures, once that is known; it is made if production hasn't got it.
    """
    rows = [revision for revision in at if revision != "base"]
    table = preferred(restored.version_tables)
    place = named or ((table.schema, table.name) if table else ("public", "alembic_version"))
    there = {(each.schema, each.name) for each in restored.version_tables}
    if place not in there and not rows:
        return None
    with connected(admin) as connection, connection.cursor() as cursor:
        target = sql.Identifier(*place)
        if place not in there:
            cursor.execute(
                # As Alembic makes it, https://alembic.sqlalchemy.org/en/latest/api/runtime.html
                sql.SQL(
                    "CREATE TABLE {} (version_num varchar(32) NOT NULL, CONSTRAINT {} PRIMARY KEY (version_num))"
                ).format(target, sql.Identifier(f"{place[1]}_pkc"))
            )
            cursor.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(target, sql.Identifier(restored.owner)))
        cursor.execute(sql.SQL("DELETE FROM {}").format(target))
        for row in rows:
            cursor.execute(sql.SQL("INSERT INTO {} (version_num) VALUES (%s)").format(target), (row,))
    return place


def other_than(
    written: tuple[str, str] | None, contexts: Sequence[Context], tables: Sequence[VersionTable | None]
) -> tuple[str, str] | None:
    """Return the version table that the command used instead of the one that was *written*; None if it is that one.

    With several migration runs in one command it isn't known whose revisions were meant.
    """
    if written is None or len(contexts) != 1:
        return None
    used = tables[0]
    schema = contexts[0].version_table_schema
    place = (used.schema, used.name) if used else (schema or "public", contexts[0].version_table)
    return place if place != written else None


def preferred(tables: Sequence[VersionTable]) -> VersionTable | None:
    """Return the version table that env.py most likely configures, before env.py could say so."""
    return min(
        tables,
        key=lambda table: (not table.rows, table.name != "alembic_version", table.schema != "public"),
        default=None,
    )


def configured(context: Context, tables: Sequence[VersionTable], endpoint: Endpoint) -> VersionTable | None:
    """Return the one of *tables* that *context* names, looked up as the migrating role would; None: no such table."""
    found: Mapping[tuple[str, str], VersionTable] = {(table.schema, table.name): table for table in tables}
    if context.version_table_schema:
        return found.get((context.version_table_schema, context.version_table))
    named = [table for table in tables if table.name == context.version_table]
    # What Alembic read there tells them apart, wherever the connection's search_path came from.
    read = [table for table in named if context.current and set(table.rows) == set(context.current)]
    if not named or len(read) == 1:
        return read[0] if read else None
    with connected(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.oid = to_regclass(quote_ident(%s))",
            (context.version_table,),
        )
        row = cursor.fetchone()
    return found.get((row[0], context.version_table)) if row else None
