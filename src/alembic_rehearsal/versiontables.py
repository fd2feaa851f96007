"""Finds the tables that Alembic keeps its revisions in: before the run and after it by the same rule."""

from __future__ import annotations

from psycopg2.extensions import connection as PgConnection  # noqa: N812

from alembic_rehearsal.connect import quoted
from alembic_rehearsal.model import VersionTable

# Alembic's table has one column, whatever the table is called; a project's own `version_table_impl` may add others, and
# a view may stand where the table was before. atttypmod of varchar(n) is n + 4, -1 is no limit.
# Source: https://alembic.sqlalchemy.org/en/latest/api/runtime.html#alembic.runtime.environment.EnvironmentContext.configure
# and https://alembic.sqlalchemy.org/en/latest/api/ddl.html (DefaultImpl.version_table_impl)
_TABLES = """
SELECT n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner),
       CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 END
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE a.attname = 'version_num' AND NOT c.relispartition
   AND (c.relkind IN ('r', 'p', 'v') AND c.relname ~* 'alembic' AND n.nspname !~ '^pg_'
        OR c.relkind IN ('r', 'p')
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute o WHERE o.attrelid = c.oid AND o.attnum > 0
                           AND NOT o.attisdropped AND o.attname <> 'version_num'))
 ORDER BY 1, 2
"""


def find(connection: PgConnection) -> tuple[VersionTable, ...]:
    """Return the tables whose only column is `version_num`, or that have it and are called after Alembic.

    By schema and name; a view that is called so counts as a table.
    """
    found = []
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        for schema, name, owner, width in cursor.fetchall():
            cursor.execute(quoted(cursor, "SELECT version_num::text FROM %I.%I ORDER BY 1", schema, name))
            rows = tuple(row for (row,) in cursor.fetchall() if row is not None)
            found.append(VersionTable(schema=schema, name=name, owner=owner, rows=rows, width=width))
    return tuple(found)
