"""Which revision a departure is about, and where in its file."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from alembic_rehearsal import lineage
from alembic_rehearsal.catalog import Change, Renamed
from alembic_rehearsal.divergence.states import Origins
from alembic_rehearsal.divergence.wording import Element
from alembic_rehearsal.model import Location, Project, Statement, Trace


@dataclass(frozen=True, slots=True)
class Places:
    """The pending revisions, as they ran and as text.

    Attributes:
        origins: of the history as far as production is now.
        pending: the revisions that the upgrade ran.
    """

    trace: Trace
    project: Project
    origins: Origins
    pending: frozenset[str]

    def of(self, element: Element) -> tuple[str, Location | None]:
        """Return the pending revision behind *element*, "" if none shows, and where it speaks of the object."""
        key = element[1].after if isinstance(element[1], Renamed) else element[1].key
        names = _names(key.identity)
        revision = self._behind(element) or ""
        spoken = _naming(self._statements({revision} if revision else self.pending), names)
        if spoken is not None:
            return spoken.revision, spoken.location
        return revision, self._written(revision, names) if revision else None

    def _behind(self, element: Element) -> str | None:
        sort, item = element
        if isinstance(item, Change):
            found = self.origins.setter(item.key, item.attribute)
        elif isinstance(item, Renamed):
            found = self.origins.maker(item.after)
        elif sort == "missing":
            found = self.origins.maker(item.key)
        else:
            found = self.origins.dropper(item.key)
        if found in self.pending:
            return found
        return next(iter(self.pending)) if len(self.pending) == 1 else None

    def _statements(self, revisions: Collection[str]) -> list[Statement]:
        return [each for each in self.trace.statements if each.revision in revisions and each.location]

    def _written(self, revision: str, names: tuple[str, ...]) -> Location | None:
        """Return the first line below `def upgrade` of the revision's file that has one of *names*, the likeliest."""
        known = lineage.graph(self.trace).get(revision)
        if known is None or not known.path:
            return None
        try:
            lines = Path(self.project.checkout, known.path).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return Location(known.path)
        start = next((number for number, line in enumerate(lines) if line.startswith("def upgrade")), 0)
        for name in names:
            word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
            for number, line in enumerate(lines[start:], start + 1):
                if word.search(line):
                    return Location(known.path, number, "upgrade")
        return Location(known.path, start + 1, "upgrade")


def _names(identity: str) -> tuple[str, ...]:
    """Return the names in *identity* from the last to the first but the schema, without quotes."""
    parts = [part.strip('"') for part in identity.split("(", 1)[0].split(".")]
    return tuple(reversed(parts[1:] or parts))


def _naming(statements: list[Statement], names: tuple[str, ...]) -> Statement | None:
    """Return the last of *statements* that has all of *names*, and sends more than a question."""
    for statement in reversed(statements):
        asks = statement.sql.lstrip().upper().startswith(("SELECT", "SHOW", "WITH"))
        if not asks and all(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", statement.sql) for name in names):
            return statement
    return None
