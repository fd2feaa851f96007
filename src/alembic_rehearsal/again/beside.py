"""A second copy of the finished database for a trial that goes on beside the others.

A migration may name its database, so a trial's copy stands under production's name, one at a time. Where the true run
did nothing by which a database under another name could be told from it, one of the trials need not wait for its turn.
"""

from __future__ import annotations

import json
import re

from alembic_rehearsal.again.ground import Ground
from alembic_rehearsal.lab import Lab

_DBNAME = "rehearsal_beside"
_ASKS = r"\b(?:current_database|current_catalog|pg_database)\b"


def lab(start: Ground) -> Lab | None:
    """Return where a trial can be made while others are, None where it has to wait.

    Raises:
        RehearsalError: the server refuses.
    """
    own = start.lab
    # Roles and settings are one for all databases of a server, and on somebody else's the log can't tell them apart.
    if own.cluster.offer.provider == "server" or own.shared() != own.shared_before:
        return None
    # A copy of the command's process hands on the environment of its original to the programs that it starts.
    if start.trace.children or _named(start):
        return None
    return own.beside(_DBNAME)


def _named(start: Ground) -> bool:
    """Say whether a statement, or an object of the finished database, asks what its database is called."""
    name = re.compile(rf"\b{re.escape(start.lab.restored.dbname)}\b|{_ASKS}", re.IGNORECASE)
    if any(name.search(each.sql) for each in start.trace.statements):
        return True
    asks = re.compile(_ASKS, re.IGNORECASE)
    return any(asks.search(json.dumps(each, default=str)) for each in start.finished.definitions.values())
