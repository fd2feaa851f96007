"""What each revision made of an empty database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alembic_rehearsal.catalog import Facts, Key, parse


@dataclass(frozen=True, slots=True)
class Change:
    """What one revision did to the schema.

    Attributes:
        revision: "" for what the command did after its last revision.
        changed: facts that are new or have another definition, with that definition as JSON.
        gone: facts that were there before.
    """

    revision: str
    changed: Mapping[Key, str]
    gone: frozenset[Key]


@dataclass(frozen=True, slots=True)
class History:
    """A build from base.

    Attributes:
        changes: in the order in which the revisions ran.
        complete: the command came to its end.
        why: the reason why it did not.
        furnished: production's extensions and schemas had to be there first.
    """

    changes: tuple[Change, ...]
    complete: bool
    why: str = ""
    furnished: bool = False

    @property
    def revisions(self) -> tuple[str, ...]:
        """Return the revisions that ran, in their order."""
        return tuple(change.revision for change in self.changes if change.revision)

    def after(self, revision: str) -> Facts | None:
        """Return the facts when *revision* had run, None if it did not run."""
        last = next((number for number, each in enumerate(self.changes, 1) if each.revision == revision), 0)
        return _facts(self.rows(last)) if last else None

    def before(self, revision: str) -> Facts | None:
        """Return the facts when *revision* was about to run, None if its turn did not come.

        The revision at which an incomplete build ended has no change of its own; its turn came last.
        """
        for number, change in enumerate(self.changes):
            if change.revision == revision:
                return _facts(self.rows(number))
        return None if self.complete else _facts(self.rows(len(self.changes)))

    def end(self) -> Facts:
        """Return the facts at the end."""
        return _facts(self.rows(len(self.changes)))

    def rows(self, count: int) -> Mapping[Key, str]:
        """Return all facts, with their definitions as JSON, after the first *count* changes."""
        facts: dict[Key, str] = {}
        for change in self.changes[:count]:
            for key in change.gone:
                facts.pop(key, None)
            facts.update(change.changed)
        return facts

    def makers(self, key: Key) -> tuple[str, ...]:
        """Return the revisions that brought *key* into being, in their order: more than one if it went in between."""
        there = False
        found = []
        for change in self.changes:
            if key in change.gone:
                there = False
            if key in change.changed and not there:
                there = True
                found.append(change.revision)
        return tuple(found)

    def change_of(self, revision: str) -> Change | None:
        """Return what *revision* did."""
        return next((change for change in self.changes if change.revision == revision), None)


def changes_of(events: Iterable[Mapping[str, object]]) -> tuple[Change, ...]:
    """Return the changes that a trace's or a cache's records of them say.

    *events* have `revision`, `changed` as [kind, identity, definition] and `gone` as [kind, identity].
    """
    return tuple(
        Change(
            revision=str(event["revision"]),
            changed={Key(kind, identity): definition for kind, identity, definition in _rows(event["changed"])},
            gone=frozenset(Key(kind, identity) for kind, identity in _rows(event["gone"])),
        )
        for event in events
    )


def _rows(value: object) -> list[list[str]]:
    assert isinstance(value, list)
    return value


def _facts(rows: Mapping[Key, str]) -> Facts:
    return parse((kind, identity, definition) for (kind, identity), definition in rows.items())
