"""How far production's schema is from that of each revision."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alembic_rehearsal.catalog import ABOUT, Facts, Key
from alembic_rehearsal.history import History

_NAMELESS = frozenset(
    {"primary key", "unique constraint", "check constraint", "foreign key", "exclusion constraint", "index"}
)
# Extensions are a DBA's in many projects, whatever the revisions say.
_LEFT_OUT = ABOUT | {"extension"}
Element = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Distance:
    """How many facts production and the schema of a revision don't share; names of constraints don't count."""

    revision: str
    facts: int


def distances(production: Facts, history: History, tables: frozenset[str]) -> Iterator[Distance]:
    """Yield the distance of each revision, in the order of the build; *tables* are left out: those of versions."""
    here = Counter(elements_of(production, tables))
    there: Counter[Element] = Counter()
    standing: dict[Key, Element] = {}
    for change in history.changes:
        for key in (*change.gone, *change.changed):
            if key in standing:
                there[standing.pop(key)] -= 1
        for key, text in change.changed.items():
            attributes = json.loads(text)
            element = _element(key, attributes.pop("on", ""), attributes, tables)
            if element is not None:
                standing[key] = element
                there[element] += 1
        if change.revision:
            yield Distance(change.revision, (here - there).total() + (there - here).total())


def elements_of(facts: Facts, tables: frozenset[str]) -> Iterator[Element]:
    """Yield one value for each fact that says something of the schema's shape."""
    for key, definition in facts.definitions.items():
        element = _element(key, str(facts.parents.get(key, "")), dict(definition), tables)
        if element is not None:
            yield element


def _element(key: Key, parent: str, attributes: dict[str, Any], tables: frozenset[str]) -> Element | None:
    if key.kind in _LEFT_OUT or key.identity in tables or parent.removeprefix("table ") in tables:
        return None
    definition = tuple(
        (name, tuple(value) if isinstance(value, list) else value)
        for name, value in sorted(attributes.items())
        if value is not None and name != "position"
    )
    return (key.kind, parent if key.kind in _NAMELESS else key.identity, definition)
