"""Who answers for a difference: production before and after the upgrade, the history at the same two points."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from alembic_rehearsal.catalog import Change, Facts, FactsDiff, Key, Lone, Renamed, difference
from alembic_rehearsal.catalog.facts import ancestors
from alembic_rehearsal.divergence.wording import Element, elements
from alembic_rehearsal.model import Blame

_WORD = re.compile(r'"(?:[^"]|"")+"|[A-Za-z_\u0080-\uffff][\w$]*')
_LAST = re.compile(r'("(?:[^"]|"")+"|[^".]+)$')


@dataclass(frozen=True, slots=True)
class Four:
    """The facts of both sides at both times, in scope, production's under the history's names where it has another."""

    before: Facts
    after: Facts
    base_before: Facts
    base_after: Facts


@dataclass
class Judge:
    """Says what each difference after the upgrade is.

    Attributes:
        old: what differed before it.
        new: what differs after it.
    """

    four: Four
    old: FactsDiff = field(init=False)
    new: FactsDiff = field(init=False)
    _moved: set[object] = field(default_factory=set, init=False)
    _tables: set[str] = field(default_factory=set, init=False)
    _missing: set[tuple[str, str]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        """Compare, and remember by what an old difference is known under another name."""
        self.old = difference(self.four.before, self.four.base_before)
        self.new = difference(self.four.after, self.four.base_after)
        standing = {_identity(each) for each in elements(self.new)}
        for element in elements(self.old):
            if _identity(element) not in standing:
                self._moved.update(self._signatures(element, self.four.before, self.four.base_before))
            sort, item = element
            if not isinstance(item, Renamed):
                side = self.four.base_before if sort == "missing" else self.four.before
                self._tables.add(_table(item.key, side))
                if sort == "missing":
                    self._missing.add(_home(item.key, side))

    def departures(self) -> Iterator[tuple[Element, Blame]]:
        """Yield what the upgrade has brought, with the blame for it; old differences are left out."""
        for element in elements(self.new):
            blame = self._blame(element)
            if blame is not None:
                yield element, blame

    def _blame(self, element: Element) -> Blame | None:
        sort, item = element
        if isinstance(item, Renamed):
            return None if item in self.old.renamed else Blame.OTHER_NAME
        renamed = item.key not in (self.four.before if sort == "extra" else self.four.base_before)
        if renamed and not self._moved.isdisjoint(self._signatures(element, self.four.after, self.four.base_after)):
            return None
        if isinstance(item, Change):
            return self._changed(item)
        return self._missing_one(item) if sort == "missing" else self._extra(item)

    def _missing_one(self, lone: Lone) -> Blame | None:
        four, key = self.four, lone.key
        if key in four.before:
            same = four.before.definitions[key] == four.base_before.definitions.get(key)
            return Blame.LOST if same else Blame.MADE_OTHERWISE
        if key in four.base_before:
            return None
        return Blame.FOLLOWS if self._needs_missing(key, four.base_after) else Blame.NOT_DONE

    def _extra(self, lone: Lone) -> Blame | None:
        four, key = self.four, lone.key
        if key not in four.before:
            return Blame.FOLLOWS if self._near_old(key, four.after) else Blame.MADE_OTHERWISE
        return Blame.LEFT_OVER if key in four.base_before else None

    def _changed(self, change: Change) -> Blame | None:
        four, key, name = self.four, change.key, change.attribute
        if key not in four.before:
            return self._otherwise(key)
        here = four.before.definitions[key].get(name)
        stays = here == change.before
        if key not in four.base_before:
            return Blame.OTHER_SHAPE if stays else self._otherwise(key)
        there = four.base_before.definitions[key].get(name)
        if there == change.after:
            return None if here != there else Blame.LOST
        if here != there:
            return Blame.OTHER_START if stays else None
        return Blame.NOT_DONE if stays else self._otherwise(key)

    def _otherwise(self, key: Key) -> Blame:
        return Blame.FOLLOWS if self._near_old(key, self.four.after) else Blame.MADE_OTHERWISE

    def _near_old(self, key: Key, facts: Facts) -> bool:
        """Say whether something differed before in the table of *key*, or in one that its definition names."""
        words = _words(key, facts)
        return _table(key, facts) in self._tables or any(_last_of(table) in words for table in self._tables)

    def _needs_missing(self, key: Key, facts: Facts) -> bool:
        """Say whether *key* hangs on, or is made of, what production lacked before."""
        words = _words(key, facts)
        near = {*(("", word) for word in words), *((_table(key, facts), word) for word in words)}
        return not self._missing.isdisjoint(near | {_home(each, facts) for each in ancestors(key, facts.parents)})

    def _signatures(self, element: Element, here: Facts, there: Facts) -> tuple[object, ...]:
        """Return by what a difference is known when the upgrade has given its object or its table another name."""
        sort, item = element
        if isinstance(item, Renamed):
            return ()
        facts = there if sort == "missing" else here
        parent = facts.parents.get(item.key)
        what: tuple[object, ...] = (
            (item.attribute, item.before, item.after)
            if isinstance(item, Change)
            else tuple(sorted((name, str(value)) for name, value in item.definition.items()))
        )
        by_name = (sort, item.key.kind, _last_of(item.key.identity), what)
        return (by_name, (sort, item.key.kind, parent, what)) if parent else (by_name,)


def _identity(element: Element) -> object:
    sort, item = element
    if isinstance(item, Renamed):
        return sort, item.before, item.after
    return (sort, item.key, item.attribute) if isinstance(item, Change) else (sort, item.key)


def _table(key: Key, facts: Facts) -> str:
    """Return the identity of the object that *key* hangs on in the end, which may be itself."""
    return [key, *ancestors(key, facts.parents)][-1].identity


def _home(key: Key, facts: Facts) -> tuple[str, str]:
    """Return the table of a column and its name, "" and the name of anything else."""
    return (_table(key, facts) if key.kind == "column" else "", _last_of(key.identity))


def _last_of(identity: str) -> str:
    found = _LAST.search(identity.split("(", 1)[0])
    return found[1] if found else identity


def _words(key: Key, facts: Facts) -> set[str]:
    """Return the names in what is said of *key*."""
    definition: Mapping[str, object] = facts.definitions.get(key, {})
    return {word for value in definition.values() for word in _WORD.findall(str(value))}
