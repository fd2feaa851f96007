"""The rows of a copy: version rows put back to what they were, and what else is in the tables as one sum a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg2 import sql

from alembic_rehearsal import readback
from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Endpoint, VersionTable

# The rehearsed tables are empty but for what the revisions wrote and --include-data brought along.
_MOST_BYTES = 16 << 20
_SUM = """
SELECT pg_catalog.md5(coalesce(pg_catalog.string_agg(row, '' ORDER BY row), ''))
  FROM (SELECT pg_catalog.md5(CAST(t AS text)) AS row FROM %I.%I t) every
"""


def put_back(admin: Endpoint, now: Sequence[VersionTable], before: Sequence[VersionTable]) -> None:
    """Give the version tables *now* the rows that they had *before*; one that was not there becomes empty.

    Raises:
        psycopg2.Error: a table doesn't take them: it has other columns too, or is a view.
    """
    old = {(each.schema, each.name): each.rows for each in before}
    with connected(admin) as connection, connection.cursor() as cursor:
        for each in now:
            rows = old.get((each.schema, each.name), ())
            if set(rows) == set(each.rows):
                continue
            table = sql.Identifier(each.schema, each.name)
            cursor.execute(sql.SQL("DELETE FROM {}").format(table))
            for row in rows:
                cursor.execute(sql.SQL("INSERT INTO {} (version_num) VALUES (%s)").format(table), (row,))


def sums(admin: Endpoint, without: Sequence[VersionTable]) -> Mapping[str, str]:
    """Return "schema.table" -> a sum of its rows, for each table that has some and isn't one of *without*."""
    own = {f"{each.schema}.{each.name}" for each in without}
    found = readback.of_filled(admin, _SUM, _MOST_BYTES)
    return {name: total for name, total in found.items() if name not in own}
