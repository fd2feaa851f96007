"""Which views read which columns, as the server itself keeps it: what stands in the way of a change of a column.

Source: https://www.postgresql.org/docs/current/catalog-pg-depend.html (a view depends on columns by its rule).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from alembic_rehearsal.catalog.facts import Key
from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Endpoint

# Identities as those of facts.
_USES = """
SELECT DISTINCT CASE v.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END,
       quote_ident(vn.nspname) || '.' || quote_ident(v.relname),
       quote_ident(tn.nspname) || '.' || quote_ident(t.relname),
       quote_ident(a.attname)
  FROM pg_depend d
  JOIN pg_rewrite w ON w.oid = d.objid
  JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
  JOIN pg_namespace vn ON vn.oid = v.relnamespace
  JOIN pg_class t ON t.oid = d.refobjid AND t.oid <> v.oid
  JOIN pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
 WHERE d.classid = CAST('pg_rewrite' AS regclass) AND d.refclassid = CAST('pg_class' AS regclass) AND d.refobjsubid > 0
"""


def read(endpoint: Endpoint) -> dict[Key, frozenset[tuple[str, str]]]:
    """Return what each view reads, as `Facts.uses` has it.

    Raises:
        psycopg2.Error: the server refuses.
    """
    found: dict[Key, set[tuple[str, str]]] = {}
    with connected(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('search_path', 'pg_catalog', false)")
        cursor.execute(_USES)
        for kind, view, relation, column in cursor.fetchall():
            found.setdefault(Key(kind, view), set()).add((relation, column))
    return {key: frozenset(columns) for key, columns in found.items()}


def standing_on(keys: Collection[Key], uses: Mapping[Key, frozenset[tuple[str, str]]]) -> Iterator[Key]:
    """Yield the views that read one of the views *keys*, those that read these, and so on; each once."""
    seen = set(keys)
    level = set(keys)
    while level:
        names = {key.identity for key in level}
        level = {view for view, read_ in uses.items() if view not in seen and names & {name for name, _ in read_}}
        seen |= level
        yield from sorted(level)
