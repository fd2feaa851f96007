"""Reads back, over new connections, what the command left in the rehearsed database.

The command's own word counts for nothing here: a version row that nobody committed looks right from the
connection that wrote it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg2 import Error, sql
from psycopg2.errors import UntranslatableCharacter
from psycopg2.extensions import connection as PgConnection  # noqa: N812
from psycopg2.extensions import cursor as PgCursor  # noqa: N812

from alembic_rehearsal import versiontables
from alembic_rehearsal.connect import connected, quoted
from alembic_rehearsal.model import Endpoint, Readback, Relation, VersionTable

# A custom setting of the database: seen by every session in it, and no object that a migration could meet.
_FINGERPRINT = "alembic_rehearsal.fingerprint"


@dataclass(frozen=True, slots=True)
class Mark:
    """The state just before the command runs.

    Attributes:
        xid: a transaction id; rows of the catalogs with a younger one were written by the command.
    """

    token: str
    xid: int


def mark(admin: Endpoint, token: str) -> Mark:
    """Leave the fingerprint *token* in the database of *admin* and return the point in its history."""
    with _connected(admin) as connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                sql.Identifier(admin.dbname), sql.SQL(_FINGERPRINT), sql.Literal(token)
            )
        )
        cursor.execute("SELECT txid_current() & 4294967295")
        [xid] = cursor.fetchone() or (0,)
        return Mark(token=token, xid=int(xid))


def read(admin: Endpoint, since: Mark, configured: VersionTable | None, seen: Collection[str]) -> Readback:
    """Return what stands in the database of *admin* now.

    Args:
        configured: the version table whose last write parts finished revisions from an unfinished one.
        seen: the tokens that the command's own connections saw.
    """
    with _connected(admin) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting(%s, true)", (_FINGERPRINT,))
            [token] = cursor.fetchone() or (None,)
        committed = _written_since(connection, since.xid)
        last_write = _last_write(connection, configured, since.xid)
        return Readback(
            fingerprint_found=token == since.token,
            fingerprint_seen=set(seen) <= {since.token},
            version_tables=versiontables.find(connection),
            committed=tuple(text for text, _ in committed),
            unfinished=tuple(text for text, age in committed if age < last_write),
        )


@contextmanager
def _connected(admin: Endpoint) -> Iterator[PgConnection]:
    with connected(admin) as connection:
        # The migrations may have set a search_path on the database or the role; names here are always qualified.
        with connection.cursor() as cursor:
            cursor.execute("SET search_path = pg_catalog")
        yield connection


# A row of a catalog that was written since the mark is an object that the command made or changed and committed:
# nothing here is frozen, because autovacuum is off and the server is young. A system column is never written again,
# so it tells when its table was made; indexes have none, and are never changed but by being made again.
_WRITTEN = """
WITH young AS (
  SELECT CASE c.relkind WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view'
                        WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END
         || ' ' || n.nspname || '.' || c.relname
         || CASE WHEN age(c.xmin) <> age(made.xmin) THEN ' (changed)' ELSE '' END AS what, c.xmin, 1 AS rank
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute made ON made.attrelid = c.oid AND made.attnum = -1
   WHERE c.relkind NOT IN ('t', 'c') AND n.nspname !~ '^pg_(toast|temp)'
  UNION ALL
  SELECT 'column ' || n.nspname || '.' || c.relname || '.' || a.attname, a.xmin, 2
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute made ON made.attrelid = c.oid AND made.attnum = -1
   WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND age(made.xmin) <> age(a.xmin)
  UNION ALL
  SELECT 'constraint ' || n.nspname || '.' || c.conname, c.xmin, 2
    FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
  UNION ALL
  SELECT 'type ' || n.nspname || '.' || t.typname, t.xmin, 2
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype IN ('e', 'd', 'r')
  UNION ALL
  SELECT 'enum label ' || n.nspname || '.' || t.typname || ' ' || quote_literal(e.enumlabel), e.xmin, 3
    FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace
   WHERE age(e.xmin) <> age(t.xmin)
  UNION ALL
  SELECT 'function ' || p.oid::regprocedure, p.xmin, 2 FROM pg_proc p
  UNION ALL
  SELECT 'schema ' || nspname, xmin, 1 FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'
  UNION ALL
  SELECT 'extension ' || extname, xmin, 1 FROM pg_extension
  UNION ALL
  SELECT 'trigger ' || tgname || ' on ' || tgrelid::regclass, xmin, 2 FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL
  SELECT 'policy ' || polname || ' on ' || polrelid::regclass, xmin, 2 FROM pg_policy
)
SELECT DISTINCT what, age(xmin), rank FROM young WHERE age(xmin) < age(%s::text::xid) ORDER BY 2 DESC, 3, 1
"""


def _written_since(connection: PgConnection, xid: int) -> list[tuple[str, int]]:
    """Return ("kind identity", age) of the catalog rows younger than *xid*, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN, (xid,))
        return [(what, age) for what, age, _ in cursor.fetchall()]


def _last_write(connection: PgConnection, table: VersionTable | None, xid: int) -> int:
    """Return the age of the last committed write to *table*, or that of *xid* when there was none since."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT age(%s::text::xid)", (xid,))
        [limit] = cursor.fetchone() or (0,)
        if table is None:
            return int(limit)
        cursor.execute(
            "SELECT relkind FROM pg_class WHERE oid = to_regclass(format('%%I.%%I', %s, %s))",
            (table.schema, table.name),
        )
        if cursor.fetchone() not in (("r",), ("p",)):
            return int(limit)  # it is gone, or a view, whose rows have no transaction of their own
        cursor.execute(quoted(cursor, "SELECT min(age(xmin)) FROM %I.%I", table.schema, table.name))
        [age] = cursor.fetchone() or (None,)
        return int(limit) if age is None else min(int(limit), int(age))


_PRESENT = """
SELECT * FROM (
  SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
                        WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
                        WHEN 'c' THEN 'composite type'
                        ELSE CASE k.contype WHEN 'p' THEN 'index of the primary key'
                                            WHEN 'u' THEN 'index of the unique constraint' ELSE 'index' END END AS kind,
         n.nspname || '.' || c.relname AS identity,
         CASE WHEN i.indexrelid IS NOT NULL THEN 'on table ' || i.indrelid::regclass ||
                CASE WHEN i.indisvalid THEN '' ELSE ', invalid' END
              WHEN c.relkind IN ('r', 'p') THEN 'owned by ' || pg_get_userbyid(c.relowner) || ', ' ||
                (SELECT count(*) FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) || ' columns'
              ELSE 'owned by ' || pg_get_userbyid(c.relowner) END AS detail, 1 AS rank
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
    LEFT JOIN pg_constraint k ON k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')
   WHERE c.relname = %(name)s AND n.nspname !~ '^pg_(toast|temp|catalog)'
  UNION ALL
  SELECT CASE t.typtype WHEN 'e' THEN 'enum type' WHEN 'd' THEN 'domain' ELSE 'type' END,
         n.nspname || '.' || t.typname,
         coalesce('labels ' || (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                                  FROM pg_enum e WHERE e.enumtypid = t.oid),
                  'owned by ' || pg_get_userbyid(t.typowner)), 2
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
   WHERE t.typname = %(name)s AND t.typtype IN ('e', 'd', 'r') AND n.nspname <> 'pg_catalog'
  UNION ALL
  SELECT CASE k.contype WHEN 'c' THEN 'check constraint' WHEN 'f' THEN 'foreign key' WHEN 'p' THEN 'primary key'
                        WHEN 'u' THEN 'unique constraint' ELSE 'constraint' END,
         n.nspname || '.' || k.conname,
         'on table ' || k.conrelid::regclass || ': ' || pg_get_constraintdef(k.oid), 0
    FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
   WHERE k.conname = %(name)s AND k.conrelid <> 0
  UNION ALL
  SELECT 'column', c.oid::regclass || '.' || a.attname,
         format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END, 3
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE a.attname = %(name)s AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND NOT a.attisdropped
     AND n.nspname <> 'information_schema'
  UNION ALL
  SELECT 'function', p.oid::regprocedure::text, 'owned by ' || pg_get_userbyid(p.proowner), 4
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE p.proname = %(name)s AND n.nspname <> 'pg_catalog'
  UNION ALL
  SELECT 'schema', nspname, 'owned by ' || pg_get_userbyid(nspowner), 5 FROM pg_namespace WHERE nspname = %(name)s
  UNION ALL
  SELECT 'extension', extname, 'version ' || extversion, 6 FROM pg_extension WHERE extname = %(name)s
  UNION ALL
  SELECT 'trigger', tgname, 'on table ' || tgrelid::regclass, 7 FROM pg_trigger
   WHERE tgname = %(name)s AND NOT tgisinternal
  UNION ALL
  SELECT 'policy', polname, 'on table ' || polrelid::regclass, 8 FROM pg_policy WHERE polname = %(name)s
) found ORDER BY rank, identity
"""


def present(admin: Endpoint, names: frozenset[str]) -> dict[str, tuple[Relation, ...]]:
    """Return what the database of *admin* has under each of *names*; a name that it doesn't have is left out."""
    if not names:
        return {}
    with _connected(admin) as connection, connection.cursor() as cursor:
        result = {}
        for name in sorted(names):
            try:
                cursor.execute(_PRESENT, {"name": name})
            except (UnicodeEncodeError, UntranslatableCharacter):
                continue  # the database's encoding can't hold it, so nothing there is called so
            rows = tuple(Relation(kind, identity, detail) for kind, identity, detail, _ in cursor.fetchall())
            if rows:
                result[name] = rows
        return result


def filled(admin: Endpoint, found: Mapping[str, tuple[Relation, ...]]) -> frozenset[str]:
    """Return the tables among *found*, as `present` returns them, that have at least one row."""
    tables = {
        each.identity for several in found.values() for each in several if each.kind in ("table", "partitioned table")
    }
    if not tables:
        return frozenset()
    with _connected(admin) as connection, connection.cursor() as cursor:
        return frozenset(table for table in tables if _has_rows(cursor, table))


def _has_rows(cursor: PgCursor, table: str) -> bool:
    schema, _, name = table.partition(".")
    cursor.execute(quoted(cursor, "SELECT EXISTS (SELECT FROM %I.%I)", schema, name))
    return cursor.fetchone() == (True,)


_BARE = """
SELECT n.nspname || '.' || c.relname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND pg_relation_size(c.oid) = 0
UNION ALL
SELECT n.nspname || '.' || c.relname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'p' AND n.nspname !~ '^pg_'
   AND NOT EXISTS (SELECT FROM pg_partition_tree(c.oid) leaf WHERE pg_relation_size(leaf.relid) > 0)
"""


def bare(admin: Endpoint) -> frozenset[str]:
    """Return the tables of the database of *admin* that have no row, version tables included."""
    with _connected(admin) as connection, connection.cursor() as cursor:
        cursor.execute(_BARE)
        return frozenset(name for (name,) in cursor.fetchall())


def tried(endpoint: Endpoint, queries: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Try each pair of a query and a question on the database of *endpoint*, by its role and search_path.

    Yields "moot" where the question is answered with true, "" where the query can be planned (it isn't run), else the
    SQLSTATE.
    """
    with connected(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        for query, question in queries:
            yield _state(cursor, query, question)


def _state(cursor: PgCursor, query: str, question: str) -> str:
    if ";" in query:
        return "42601"
    try:
        if question:
            cursor.execute(question)
            if cursor.fetchone() == (True,):
                return "moot"
        if query:
            cursor.execute(f"EXPLAIN {query}")
    except (Error, UnicodeEncodeError) as error:
        return getattr(error, "pgcode", None) or "22P05"
    return ""


def version_tables_of(admin: Endpoint) -> tuple[VersionTable, ...]:
    """Return the version tables of the database of *admin*."""
    with _connected(admin) as connection:
        return versiontables.find(connection)


_FILLED = """
SELECT n.nspname, c.relname, pg_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND pg_relation_size(c.oid) > 0
"""


def of_filled(admin: Endpoint, query: str, most_bytes: float = math.inf) -> dict[str, Any]:
    """Return what *query* says of each table of the database of *admin* that takes any space, by qualified name.

    Args:
        query: gives one value; `%I.%I` stands for the table.
        most_bytes: a table that takes more is left out.
    """
    with _connected(admin) as connection, connection.cursor() as cursor:
        cursor.execute(_FILLED)
        result = {}
        for schema, name, size in cursor.fetchall():
            if size <= most_bytes:
                cursor.execute(quoted(cursor, query, schema, name))
                [result[f"{schema}.{name}"]] = cursor.fetchone() or (None,)
        return result
