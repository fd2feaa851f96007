"""The one statement that reads a whole schema as facts, on PostgreSQL 13 to 18."""

from __future__ import annotations

from alembic_rehearsal.catalog import _around, _database, _parts, _routines, _tables, _types

_COMMON = ",\n".join(part.COMMON.strip() for part in (_tables, _parts, _types, _routines))
_FACTS = "\nUNION ALL\n".join(
    piece.strip() for part in (_tables, _parts, _types, _routines, _database) for piece in part.PIECES
)
_ABOUT = "\nUNION ALL\n".join(piece.strip() for piece in _around.PIECES)

SEARCH_PATH = "SELECT set_config('search_path', 'pg_catalog', false), set_config('jit', 'off', false)"
"""What the session has to be told first: names come out qualified, nothing is compiled for a query that is run once.

In a transaction that goes on afterwards, use the like with `true` in a savepoint that is rolled back.
"""

# It goes over the raw cursors of psycopg2, psycopg, asyncpg and pg8000, so it has no character that one of them takes
# for a parameter, and casts are spelt out.
FACTS_SQL = f"""
WITH {_COMMON},
fact AS MATERIALIZED (
{_FACTS}
)
SELECT CAST(kind AS text), CAST(identity AS text), CAST(definition AS text)
  FROM (
SELECT kind, identity, definition FROM fact
UNION ALL
{_ABOUT}
) everything
"""  # noqa: S608  (constants of this folder)
"""Returns `(kind, identity, definition)`, all text.

The definition is a JSON object; null is an attribute that isn't there.
"""
