"""What is different between the facts of two databases: what is there against what is wanted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alembic_rehearsal.catalog.facts import ABOUT, Definition, Facts, Key, Value, ancestors

# Objects whose name says nothing about what they do. Constraints and indexes have it apart from the definition.
_RENAMED = frozenset(
    {
        "primary key",
        "unique constraint",
        "check constraint",
        "foreign key",
        "exclusion constraint",
        "not null constraint",
        "index",
        "trigger",
        "policy",
    }
)


@dataclass(frozen=True, slots=True)
class Lone:
    """A fact that only one of the two has.

    Attributes:
        folded: facts that only this one has too and that go away with it: the columns of a missing table.
    """

    key: Key
    definition: Definition
    folded: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """An attribute that the two have with different values; None is an attribute that isn't there."""

    key: Key
    attribute: str
    before: Value | None
    after: Value | None


@dataclass(frozen=True, slots=True)
class Renamed:
    """A constraint or an index that both have, with equal definition and other names.

    Attributes:
        on: the table.
    """

    before: Key
    after: Key
    on: Key


@dataclass(frozen=True, slots=True)
class FactsDiff:
    """What is different; everything is sorted by key.

    Attributes:
        missing: only *after* has it.
        extra: only *before* has it.
    """

    missing: tuple[Lone, ...] = ()
    extra: tuple[Lone, ...] = ()
    changed: tuple[Change, ...] = ()
    renamed: tuple[Renamed, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.changed or self.renamed)

    @property
    def closeness(self) -> int:
        """Return how many facts differ, folded ones included: 0 for equal schemas, the nearest has the least."""
        lone = sum(1 + len(each.folded) for each in (*self.missing, *self.extra))
        return lone + len({change.key for change in self.changed}) + len(self.renamed)


def difference(before: Facts, after: Facts) -> FactsDiff:
    """Compare what is there (*before*) with what is wanted (*after*)."""
    extra = {key for key in before.definitions if key not in after.definitions}
    missing = {key for key in after.definitions if key not in before.definitions}
    renamed = _renamed(before, after, extra, missing)
    return FactsDiff(
        missing=_folded(after, missing),
        extra=_folded(before, extra),
        changed=tuple(_changed(before.definitions, after.definitions)),
        renamed=tuple(sorted(renamed, key=lambda pair: pair.before)),
    )


def difference_at(before: Facts, after: Facts | None, key: Key) -> FactsDiff | None:
    """Compare *key* and what belongs to it, but for what is only said about it; None if *after* doesn't have it."""
    if after is None or key not in after:
        return None
    here, there = (facts.only(facts.below({key})).without(kinds=ABOUT) for facts in (before, after))
    return difference(here, there)


def _changed(before: Mapping[Key, Definition], after: Mapping[Key, Definition]) -> Iterable[Change]:
    for key in sorted(key for key, value in before.items() if key in after and after[key] != value):
        old, new = before[key], after[key]
        for attribute in [*old, *(name for name in new if name not in old)]:
            if old.get(attribute) != new.get(attribute):
                yield Change(key, attribute, old.get(attribute), new.get(attribute))


def _renamed(before: Facts, after: Facts, extra: set[Key], missing: set[Key]) -> list[Renamed]:
    """Pair facts of *extra* and *missing* that differ by name only, and take them and what is said of them out."""
    wanted: dict[object, list[Key]] = defaultdict(list)
    for key in sorted(missing, reverse=True):
        if key.kind in _RENAMED:
            wanted[_sameness(after, key)].append(key)
    pairs = []
    for key in sorted(extra):
        same = wanted.get(_sameness(before, key)) if key.kind in _RENAMED else None
        if same:
            pairs.append(Renamed(key, same.pop(), before.parents[key]))
    for pair in pairs:
        extra.discard(pair.before)
        missing.discard(pair.after)
    _drop_equal_words(before, after, extra, missing, pairs)
    return pairs


def _sameness(facts: Facts, key: Key) -> object:
    definition = facts.definitions[key]
    return key.kind, facts.parents.get(key), tuple(sorted(definition.items()))


def _drop_equal_words(before: Facts, after: Facts, extra: set[Key], missing: set[Key], pairs: list[Renamed]) -> None:
    """Take out comments that both have, each on its own name of the same constraint."""
    names = {str(pair.before): str(pair.after) for pair in pairs}
    for key in [key for key in extra if key.kind == "comment" and key.identity in names]:
        other = Key(key.kind, names[key.identity])
        if other in missing and before.definitions[key] == after.definitions[other]:
            extra.discard(key)
            missing.discard(other)


def _folded(facts: Facts, alone: set[Key]) -> tuple[Lone, ...]:
    below: dict[Key, list[Key]] = {}
    for key in sorted(alone):
        top = key
        for parent in ancestors(key, facts.parents):
            if parent not in alone:
                break
            top = parent
        below.setdefault(top, [])
        if top != key:
            below[top].append(key)
    return tuple(Lone(key, facts.definitions[key], tuple(below[key])) for key in sorted(below))
