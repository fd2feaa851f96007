"""Every object of a database as a fact: read in one query, compared, said in sentences."""

from __future__ import annotations

from alembic_rehearsal.catalog.difference import Change, FactsDiff, Lone, Renamed, difference
from alembic_rehearsal.catalog.facts import ABOUT, Definition, Fact, Facts, Key, Value, digest, parse, read, serialised
from alembic_rehearsal.catalog.queries import FACTS_SQL, SEARCH_PATH
from alembic_rehearsal.catalog.wording import sentences

__all__ = [
    "ABOUT",
    "FACTS_SQL",
    "SEARCH_PATH",
    "Change",
    "Definition",
    "Fact",
    "Facts",
    "FactsDiff",
    "Key",
    "Lone",
    "Renamed",
    "Value",
    "difference",
    "digest",
    "parse",
    "read",
    "sentences",
    "serialised",
]
