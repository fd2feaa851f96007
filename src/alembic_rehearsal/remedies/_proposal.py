"""What a remedy proposes before anybody has tried it."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_rehearsal.model import Edit


@dataclass(frozen=True, slots=True)
class Proposal:
    """One way to make the upgrade pass, to be tried.

    Attributes:
        stamp: the revision to write into the version table, instead of edits.
        refused: why it isn't worth a try; then it is only told.
        anew: its edits give revisions another id: where they have run already, they would run again.
        otherwise: what is to be tried where this one doesn't pass.
    """

    kind: str
    text: str
    edits: tuple[Edit, ...] = ()
    stamp: str = ""
    refused: str = ""
    notes: tuple[str, ...] = ()
    anew: bool = False
    otherwise: Proposal | None = None
