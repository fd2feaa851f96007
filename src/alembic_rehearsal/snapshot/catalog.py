"""What production's catalogs say: the version tables, what pg_dump leaves out, and what this role may not read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alembic_rehearsal.errors import SnapshotError
from alembic_rehearsal.snapshot.production import ask

Revisions = Mapping[tuple[str, str], tuple[str, ...]]
_SHOWN = 5

# Alembic's version table has one column of this name, whatever env.py calls the table; see `versiontables`.
_VERSION_TABLES = """
SELECT n.nspname, c.relname, pg_catalog.format('SELECT version_num::text FROM %I.%I ORDER BY 1', n.nspname, c.relname)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
 GROUP BY c.oid, n.nspname, c.relname
HAVING pg_catalog.bool_or(a.attname = 'version_num') AND (pg_catalog.count(*) = 1 OR c.relname ~* 'alembic')
 ORDER BY 1, 2
"""

# pg_dump locks what it dumps in ACCESS SHARE mode, for which LOCK TABLE asks for SELECT, or MAINTAIN from 17 on.
# Of version tables the rows are read.
# Source: https://www.postgresql.org/docs/current/sql-lock.html
_UNREADABLE = """
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname),
       pg_catalog.format('GRANT USAGE ON SCHEMA %1$I TO %2$I;' || E'\\n'
         || 'GRANT SELECT ON ALL TABLES IN SCHEMA %1$I TO %2$I;' || E'\\n'
         || 'ALTER DEFAULT PRIVILEGES FOR ROLE %3$I IN SCHEMA %1$I GRANT SELECT ON TABLES TO %2$I;',
         n.nspname, current_user, pg_catalog.pg_get_userbyid(c.relowner))
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                      AND d.deptype = 'e')
   AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE')
            AND pg_catalog.has_table_privilege(c.oid, CASE
                  WHEN pg_catalog.current_setting('server_version_num')::int < 170000 THEN 'SELECT'
                  WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute a
                                WHERE a.attrelid = c.oid AND a.attname = 'version_num') THEN 'SELECT'
                  ELSE 'SELECT, MAINTAIN' END))
 ORDER BY n.nspname, c.relname
"""

# Source: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/bin/pg_dump/pg_dump.c (getIndexes)
_INVALID = """
SELECT pg_catalog.format('%I.%I on %s: %s', n.nspname, c.relname, i.indrelid::pg_catalog.regclass,
                         pg_catalog.pg_get_indexdef(i.indexrelid))
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT i.indisvalid AND n.nspname !~ '^pg_'
 ORDER BY 1
"""

_SUBSCRIPTIONS = """
SELECT subname FROM pg_catalog.pg_subscription
 WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one transaction saw.

    Attributes:
        revisions: schema and name of each version table -> its rows.
        invalid: "schema.index on schema.table: CREATE INDEX ...".
    """

    revisions: Revisions
    invalid: tuple[str, ...]
    subscriptions: tuple[str, ...]


def read(connection: Any) -> Facts:
    """Read what a snapshot has to say beside pg_dump.

    Raises:
        SnapshotError: this role may not read a table that pg_dump has to lock.
    """
    _require_readable(connection)
    return Facts(
        revisions(connection),
        tuple(line for (line,) in ask(connection, _INVALID)),
        tuple(name for (name,) in ask(connection, _SUBSCRIPTIONS)),
    )


def revisions(connection: Any) -> Revisions:
    """Return every version table with its rows."""
    return {
        (schema, name): tuple(row for (row,) in ask(connection, query))
        for schema, name, query in ask(connection, _VERSION_TABLES)
    }


def _require_readable(connection: Any) -> None:
    closed = ask(connection, _UNREADABLE)
    if not closed:
        return
    names = ", ".join(name for name, _ in closed[:_SHOWN])
    more = f" and {len(closed) - _SHOWN} more" if len(closed) > _SHOWN else ""
    grants = "\n".join(dict.fromkeys(grant for _, grant in closed))
    [(everything,)] = ask(connection, "SELECT pg_catalog.format('GRANT pg_read_all_data TO %I;', current_user)")
    raise SnapshotError(
        f"{connection.info.user} may not read {names}{more}, and pg_dump needs SELECT on every table to lock it "
        f"(SQLSTATE 42501)",
        fix=f"{grants}\nor, as a superuser, on PostgreSQL 14 and later: {everything}",
    )
