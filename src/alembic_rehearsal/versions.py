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


def write(admin: Endpoint, restored: Restored, at: Sequence[str]) -> None:
    """Put the revisions *at* into the version table; "base" stands for no row."""
    rows = [revision for revision in at if revision != "base"]
    table = preferred(restored.version_tables)
    with connected(admin) as connection, connection.cursor() as cursor:
        if table is None:
            if not rows:
                return
            cursor.execute(
                # As Alembic makes it, https://alembic.sqlalchemy.org/en/latest/api/runtime.html
                "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL,"
                " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
            )
            cursor.execute(sql.SQL("ALTER TABLE alembic_version OWNER TO {}").format(sql.Identifier(restored.owner)))
            target = sql.Identifier("alembic_version")
        else:
            target = sql.Identifier(table.schema, table.name)
        cursor.execute(sql.SQL("DELETE FROM {}").format(target))
        for row in rows:
            cursor.execute(sql.SQL("INSERT INTO {} VALUES (%s)").format(target), (row,))


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
