"""What the pending revisions make where the history can't be built from base: tried without what is in their way."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2 import Error

from alembic_rehearsal.catalog import FACTS_SQL, Key
from alembic_rehearsal.connect import connected
from alembic_rehearsal.history.records import History, changes_of
from alembic_rehearsal.lab import Lab

_CONSTRAINTS = ("key", "constraint")
_WORDS = {
    "enum type": "TYPE",
    "composite type": "TYPE",
    "range type": "TYPE",
    "base type": "TYPE",
}


def build(lab: Lab, in_the_way: Iterable[Key]) -> History:
    """Run the command on a copy of production without *in_the_way*, past each failure, and return what it made.

    The history begins at production: `after` is production's schema with what the revisions up to there made.

    Raises:
        ServerError: the server refuses.
    """
    lab.fresh("alone")
    with connected(lab.admin) as connection, connection.cursor() as cursor:
        for key in in_the_way:
            try:
                cursor.execute(drop(key))
            except Error:
                # It went away with another, or is part of one that stays: then it is in the way of this run too.
                continue
    trace = lab.run("alone", mode="survey", facts=FACTS_SQL)
    return History(changes_of(trace.schema), complete=False, why="it was built on production's schema")


def drop(key: Key) -> str:
    """Return the statement that removes *key* with all that depends on it; identities are quoted where SQL is."""
    if key.kind == "column" or key.kind.endswith(_CONSTRAINTS):
        table, name = _parts(key.identity)
        what = "COLUMN" if key.kind == "column" else "CONSTRAINT"
        return f"ALTER TABLE {table} DROP {what} {name} CASCADE"
    return f"DROP {_WORDS.get(key.kind, key.kind.upper())} {key.identity} CASCADE"


def _parts(identity: str) -> tuple[str, str]:
    """Return what stands before the last dot that is in no quotes, and what stands after it."""
    at = max(place for place, letter in enumerate(identity) if letter == "." and identity.count('"', 0, place) % 2 == 0)
    return identity[:at], identity[at + 1 :]
