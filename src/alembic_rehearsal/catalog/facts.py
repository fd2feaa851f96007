"""The facts of a database, as records: read, selected, serialised."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from alembic_rehearsal.catalog.queries import FACTS_SQL, SEARCH_PATH
from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Endpoint

Value: TypeAlias = "str | int | bool | tuple[str, ...]"
Definition: TypeAlias = "Mapping[str, Value]"

ABOUT = frozenset({"owner", "grant", "default privileges", "comment", "security label"})
"""Kinds that are said about an object and don't change its shape; `Facts.without(kinds=ABOUT)` leaves the schema."""

_RELATIONS = frozenset({"table", "foreign table", "view", "materialized view"})


class Key(NamedTuple):
    """Names one fact.

    A tuple, since a large schema has fifty thousand of them.

    Attributes:
        kind: "table", "column", "primary key", "index", "enum type", "function", "owner", ...
        identity: quoted where SQL would quote it: "public.users", "public.users.name", "public.f(integer)"; of an owner
            or a comment the object with its kind, "table public.users"; of a grant also "to ROLE".
    """

    kind: str
    identity: str

    def __str__(self) -> str:
        """Return the words of a sentence: "column public.users.name"."""
        return f"{self.kind} {self.identity}"


@dataclass(frozen=True, slots=True)
class Fact:
    """One object of a database, or one thing that is said about an object.

    Attributes:
        definition: named attributes; one that has its default value is left out.
        parent: what it goes away with: the table of a column, the column of its sequence, None for a table.
        position: of a column in its table, from 1; 0 for everything else.
    """

    key: Key
    definition: Definition
    parent: Key | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of one database. Two are equal when the definitions are; the order of columns isn't compared.

    Attributes:
        definitions: what each fact says.
        parents: key -> what it goes away with, where there is such a thing.
        positions: key of a column -> its number, with gaps where columns were dropped.
        uses: view -> what it reads, pairs of a relation's identity and a column's quoted name; empty where `uses.read`
            wasn't asked for it.
    """

    definitions: Mapping[Key, Definition]
    parents: Mapping[Key, Key] = field(default_factory=dict, compare=False)
    positions: Mapping[Key, int] = field(default_factory=dict, compare=False)
    uses: Mapping[Key, frozenset[tuple[str, str]]] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.definitions)

    def __contains__(self, key: Key) -> bool:
        return key in self.definitions

    def fact(self, key: Key) -> Fact:
        """Return one fact.

        Raises:
            KeyError: there is none under this key.
        """
        return Fact(key, self.definitions[key], self.parents.get(key), self.positions.get(key, 0))

    def of_table(self, name: str) -> Facts:
        """Return the facts of a table (view, ...) and of all that goes away with it; *name* as in identities."""
        return self.only(self.below({Key(kind, name) for kind in _RELATIONS}))

    def below(self, roots: Collection[Key]) -> set[Key]:
        """Return those of *roots* that are here, and every fact that goes away with one of them."""
        found = {key for key in roots if key in self.definitions}
        found.update(key for key in self.parents if any(each in found for each in ancestors(key, self.parents)))
        return found

    def without(self, *, kinds: Collection[str] = (), tables: Collection[str] = ()) -> Facts:
        """Return the facts without some kinds, and without some tables and all that goes away with them."""
        gone = self.below({Key("table", name) for name in tables}) if tables else set()
        return self.only({key for key in self.definitions if key.kind not in kinds and key not in gone})

    def only(self, keys: Collection[Key]) -> Facts:
        """Return the facts under *keys*."""
        return Facts(
            definitions={key: value for key, value in self.definitions.items() if key in keys},
            parents={key: value for key, value in self.parents.items() if key in keys},
            positions={key: value for key, value in self.positions.items() if key in keys},
        )


def ancestors(key: Key, parents: Mapping[Key, Key]) -> Iterable[Key]:
    """Yield the parent of *key*, its parent, and so on."""
    while (parent := parents.get(key)) is not None:
        yield parent
        key = parent


def read(endpoint: Endpoint) -> Facts:
    """Read every fact of a database.

    Raises:
        psycopg2.Error: the server refuses.
    """
    with connected(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute(SEARCH_PATH)
        cursor.execute(FACTS_SQL)
        return parse(cursor.fetchall())


def parse(rows: Iterable[tuple[str, str, str]]) -> Facts:
    """Return the facts in rows of FACTS_SQL, in whichever order they came."""
    definitions: dict[Key, Definition] = {}
    homes: dict[Key, str] = {}
    positions: dict[Key, int] = {}
    for kind, identity, text in rows:
        key = Key(kind, identity)
        attributes = json.loads(text)
        if (home := attributes.pop("on", None)) is not None:
            homes[key] = home
        if (position := attributes.pop("position", None)) is not None:
            positions[key] = position
        definitions[key] = {k: tuple(v) if isinstance(v, list) else v for k, v in attributes.items() if v is not None}
    named = {str(key): key for key in definitions}
    parents = {key: named[home] for key, home in homes.items() if home in named}
    return Facts(definitions, parents, positions)


def serialised(facts: Facts) -> str:
    """Return the one text that equal facts have: JSON, sorted, a fact a line, `[kind, identity, definition]`."""
    lines = (
        json.dumps([*key, facts.definitions[key]], sort_keys=True, separators=(",", ":"))
        for key in sorted(facts.definitions)
    )
    return "".join(f"{line}\n" for line in lines)


def digest(facts: Facts) -> str:
    """Return the SHA-256 of `serialised`, in hexadecimal."""
    return hashlib.sha256(serialised(facts).encode()).hexdigest()
