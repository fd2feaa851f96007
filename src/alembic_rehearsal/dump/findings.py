"""What is in a restored database, asked over a new connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from alembic_rehearsal.dump.session import execute
from alembic_rehearsal.model import VersionTable

# Alembic's table has one column, whatever the table is called.
# Source: https://alembic.sqlalchemy.org/en/latest/api/runtime.html#alembic.runtime.environment.EnvironmentContext.configure
_VERSION_TABLES = """
SELECT n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner),
    CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attname = 'version_num'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute o WHERE o.attrelid = c.oid AND o.attnum > 0
                    AND NOT o.attisdropped AND o.attname <> 'version_num')
ORDER BY c.relname <> 'alembic_version', n.nspname <> 'public', 1, 2
"""

_TABLES = """
SELECT count(*), mode() WITHIN GROUP (ORDER BY pg_catalog.pg_get_userbyid(c.relowner))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What of a database matters here.

    Attributes:
        table_count: tables of the user, version tables included.
        main_owner: who owns most of them, "" when there are none.
    """

    version_tables: tuple[VersionTable, ...]
    table_count: int
    main_owner: str

    @property
    def owner(self) -> str:
        """Return the role that migrates: the owner of the version table, else of most tables."""
        return self.version_tables[0].owner if self.version_tables else self.main_owner


def look(connection: Any) -> Contents:
    """Return the contents of the connection's database."""
    tables = []
    for schema, name, owner, width in execute(connection, _VERSION_TABLES):
        query = sql.SQL("SELECT version_num::text FROM {} ORDER BY 1").format(sql.Identifier(schema, name))
        rows = tuple(row[0] for row in execute(connection, query) if row[0] is not None)
        tables.append(VersionTable(schema, name, owner, rows, width))
    [(count, main_owner)] = execute(connection, _TABLES)
    return Contents(tuple(tables), int(count), main_owner or "")
