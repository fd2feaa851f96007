"""Give a constraint or an index in production the name that the revisions know it by, before it is needed."""

from __future__ import annotations

from alembic_rehearsal.remedies import _patch
from alembic_rehearsal.remedies._problem import Problem
from alembic_rehearsal.remedies._proposal import Proposal
from alembic_rehearsal.remedies._spot import NotGuardableError

ID = "rename"


def propose(problem: Problem) -> Proposal | None:
    """Return the renames where they are all that is needed; with guards they are part of those."""
    try:
        patch = _patch.made_for(problem)
    except NotGuardableError:
        return None  # the guard says so
    if not patch.renamed or patch.guarded or patch.reconciled:
        return None
    return Proposal(
        kind=ID,
        text=f"Use the right name: {', '.join(patch.renamed)} where production has it",
        edits=tuple(patch.edits),
        notes=tuple(patch.notes),
    )
