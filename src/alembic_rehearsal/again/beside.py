"""Further copies of the finished database, for trials that go on beside the others.

A migration may name its database, so a trial's copy stands under production's name, one at a time. Where the true run
did nothing by which a database under another name could be told from it, they need not wait for their turns.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from alembic_rehearsal.again.ground import Ground

_ASKS = r"\b(?:current_database|current_catalog|pg_database)\b"


def is_possible(start: Ground) -> bool:
    """Say whether trials can be made while others are.

    Raises:
        psycopg2.Error: the server refuses.
    """
    lab = start.lab
    # Roles and settings are one for all databases of a server, and on somebody else's the log can't tell them apart.
    if not lab.own or lab.shared() != lab.shared_before:
        return False
    # A copy of the command's process hands on the environment of its original to the programs that it starts.
    return not (start.trace.children or _named(start))


def ground(start: Ground, number: int, *, fork: bool) -> Ground:
    """Return where one of them is made: the *number*-th, its process forked or not."""
    lab = start.lab.beside(f"rehearsal_beside_{number}")
    lab.fork = fork
    return replace(start, lab=lab)


def _named(start: Ground) -> bool:
    """Say whether a statement, or an object of the finished database, asks what its database is called."""
    name = re.compile(rf"\b{re.escape(start.lab.restored.dbname)}\b|{_ASKS}", re.IGNORECASE)
    if any(name.search(each.sql) for each in start.trace.statements):
        return True
    asks = re.compile(_ASKS, re.IGNORECASE)
    return any(asks.search(json.dumps(each, default=str)) for each in start.finished.definitions.values())
