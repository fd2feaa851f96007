"""The history at some of its revisions, and which of them did what."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from alembic_rehearsal.catalog import Facts, Key, parse
from alembic_rehearsal.history import Change, History


def at(history: History, revisions: Collection[str]) -> Facts:
    """Return the facts that *revisions* make of an empty database.

    What the command does after its last revision it has done in production too, at its last deploy; it counts where
    none of the other revisions has its hand in.
    """
    others = {
        key
        for change in history.changes
        if change.revision and change.revision not in revisions
        for key in (*change.changed, *change.gone)
    }
    rows: dict[Key, str] = {}
    for change in history.changes:
        if change.revision and change.revision not in revisions:
            continue
        for key in change.gone:
            if change.revision or key not in others:
                rows.pop(key, None)
        rows.update({key: text for key, text in change.changed.items() if change.revision or key not in others})
    return parse((kind, identity, text) for (kind, identity), text in rows.items())


@dataclass(frozen=True, slots=True)
class Origins:
    """Which revision an object is from, as far as *revisions* go; "" is what the command does after its last one."""

    history: History
    revisions: frozenset[str]

    def maker(self, key: Key) -> str | None:
        """Return the revision that brought *key* into being last."""
        there, found = False, None
        for change in self._changes():
            if key in change.gone:
                there = False
            if key in change.changed and not there:
                there, found = True, change.revision
        return found

    def dropper(self, key: Key) -> str | None:
        """Return the last revision that took *key* away."""
        return next((each.revision for each in reversed([*self._changes()]) if key in each.gone), None)

    def setter(self, key: Key, attribute: str) -> str | None:
        """Return the revision that gave *attribute* of *key* the value that it has at the end."""
        value, found = None, None
        for change in self._changes():
            if key in change.changed:
                now = json.loads(change.changed[key]).get(attribute)
                if found is None or now != value:
                    value, found = now, change.revision
        return found

    def _changes(self) -> Iterator[Change]:
        return (each for each in self.history.changes if not each.revision or each.revision in self.revisions)
