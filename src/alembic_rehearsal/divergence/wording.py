"""Differences as records, with where each side comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from alembic_rehearsal.catalog import Change, Facts, FactsDiff, Key, Lone, Renamed, Value, sentences
from alembic_rehearsal.divergence.states import Origins
from alembic_rehearsal.model import Difference

Element: TypeAlias = "tuple[str, Lone | Change | Renamed]"


def elements(diff: FactsDiff) -> Iterator[Element]:
    """Yield what is different, one by one, each with its sort."""
    yield from (("missing", each) for each in diff.missing)
    yield from (("extra", each) for each in diff.extra)
    yield from (("changed", each) for each in diff.changed)
    yield from (("renamed", each) for each in diff.renamed)


@dataclass(frozen=True, slots=True)
class Words:
    """Says differences in the schemas' own words, not in those that are compared.

    Attributes:
        production: its facts, under their names there.
        wanted: the history's.
        names: the history's name of an object -> the name in production.
        when: "in production", "after the upgrade".
    """

    production: Facts
    wanted: Facts
    origins: Origins
    names: Mapping[Key, Key]
    when: str = "in production"

    def difference(self, element: Element) -> Difference:
        """Return the record of one difference."""
        sort, item = element
        if isinstance(item, Renamed):
            return self._record(sort, item.before, item, production=item.before.identity, wanted=item.after.identity)
        here = self.names.get(item.key, item.key)
        if isinstance(item, Lone):
            side = self.wanted if sort == "missing" else self.production
            key = item.key if sort == "missing" else here
            return self._record(sort, key, Lone(key, side.definitions[key], item.folded))
        old = self.production.definitions[here].get(item.attribute)
        new = self.wanted.definitions[item.key].get(item.attribute)
        change = Change(here, item.attribute, old, new)
        return self._record(sort, here, change, item.attribute, _text(old), _text(new))

    def _record(
        self,
        sort: str,
        key: Key,
        item: Lone | Change | Renamed,
        attribute: str = "",
        production: str = "",
        wanted: str = "",
    ) -> Difference:
        [text] = sentences(_alone(sort, item), before=self.when, after="from base")
        return Difference(
            sort=sort,
            kind=key.kind,
            identity=key.identity,
            attribute=attribute,
            production=production,
            wanted=wanted,
            origin=self._origin(sort, item),
            text=text,
        )

    def _origin(self, sort: str, item: Lone | Change | Renamed) -> str:
        """Say which revision is behind the wanted side, or that none is behind production's."""
        if isinstance(item, Change):
            wanted = next((mine for mine, here in self.names.items() if here == item.key), item.key)
            return _by(self.origins.setter(wanted, item.attribute), "makes it so from base")
        if isinstance(item, Renamed):
            return _by(self.origins.maker(item.after), "names it so from base")
        if sort == "missing":
            return _by(self.origins.maker(item.key), "makes it from base")
        dropper = self.origins.dropper(item.key)
        return "no revision makes it" if dropper is None else _by(dropper, "drops it from base")


def _alone(sort: str, item: Lone | Change | Renamed) -> FactsDiff:
    if isinstance(item, Change):
        return FactsDiff(changed=(item,))
    if isinstance(item, Renamed):
        return FactsDiff(renamed=(item,))
    return FactsDiff(missing=(item,)) if sort == "missing" else FactsDiff(extra=(item,))


def _by(revision: str | None, does: str) -> str:
    return f"{f'revision {revision}' if revision else 'the command, after its last revision,'} {does}"


def _text(value: Value | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
