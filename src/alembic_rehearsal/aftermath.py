"""What an upgrade that went through has left in the catalogs, although nobody wants it there."""

from __future__ import annotations

from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Endpoint, Relation

# An index on a partitioned table is invalid until each partition has its own:
# https://www.postgresql.org/docs/current/sql-createindex.html
_LEFT = """
SELECT CASE c.relkind WHEN 'I' THEN 'partitioned invalid index' ELSE 'invalid index' END,
       pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_get_indexdef(c.oid)
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT (i.indisvalid AND i.indisready) AND n.nspname !~ '^pg_'
UNION ALL
SELECT 'not valid constraint', pg_catalog.format('%I.%I.%I', n.nspname, c.relname, k.conname),
       pg_catalog.pg_get_constraintdef(k.oid)
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT k.convalidated AND n.nspname !~ '^pg_'
UNION ALL
SELECT 'duplicate foreign key', pg_catalog.format('%I.%I', n.nspname, c.relname),
       pg_catalog.string_agg(pg_catalog.quote_ident(k.conname), ', ' ORDER BY k.oid)
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname !~ '^pg_'
 GROUP BY n.nspname, c.relname, k.conrelid, k.conkey, k.confrelid, k.confkey
HAVING pg_catalog.count(*) > 1
"""


def left(before: Endpoint, after: Endpoint) -> tuple[Relation, ...]:
    """Return what the database of *after* has of this and that of *before* has not.

    Kinds: "invalid index", "partitioned invalid index", "not valid constraint", and "duplicate foreign key", whose
    identity is the table and whose detail the names.
    """
    there = _read(before)
    return tuple(sorted(_read(after) - there, key=lambda each: (each.kind, each.identity, each.detail)))


def _read(endpoint: Endpoint) -> frozenset[Relation]:
    with connected(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("SET search_path = pg_catalog")
        cursor.execute(_LEFT)
        return frozenset(Relation(kind, identity, detail) for kind, identity, detail in cursor.fetchall())
