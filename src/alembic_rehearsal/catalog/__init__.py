"""Every object of a database as a fact: read in one query, compared, said in sentences."""

from __future__ import annotations

from alembic_rehearsal.catalog.difference import Change, FactsDiff, Lone, Renamed, difference, difference_at
from alembic_rehearsal.catalog.facts import ABOUT, Definition, Fact, Facts, Key, Value, digest, parse, read, serialised
from alembic_rehearsal.catalog.queries import FACTS_SQL, SEARCH_PATH
from alembic_rehearsal.catalog.wording import first_lines, first_sentences, sentences

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
    "difference_at",
    "digest",
    "first_lines",
    "first_sentences",
    "parse",
    "read",
    "sentences",
    "serialised",
]
