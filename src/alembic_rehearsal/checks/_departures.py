"""What a difference weighs that the upgrade has brought: see the docstring of `divergence` for the reasons."""

from __future__ import annotations

from collections.abc import Mapping

from alembic_rehearsal.model import Blame, Departure, Severity

_SEVERITIES: Mapping[Blame, Severity] = {
    Blame.NOT_DONE: Severity.ERROR,
    Blame.OTHER_SHAPE: Severity.ERROR,
    Blame.LOST: Severity.ERROR,
    Blame.LEFT_OVER: Severity.ERROR,
    Blame.OTHER_START: Severity.WARNING,
    Blame.MADE_OTHERWISE: Severity.WARNING,
    Blame.FOLLOWS: Severity.NOTE,
    Blame.OTHER_NAME: Severity.NOTE,
}
# They make nothing wrong or impossible where they stay.
_HARMLESS = frozenset({"index", "statistics"})


def severity(departure: Departure) -> Severity:
    """Return what *departure* weighs."""
    of = departure.difference
    if of.kind == "comment":
        return Severity.NOTE
    if departure.blame is Blame.LEFT_OVER and of.kind in _HARMLESS and "UNIQUE INDEX" not in of.text:
        return Severity.WARNING
    return _SEVERITIES[departure.blame]
