"""Guard the operations, and bring what is there to the shape that they want, in the same revision."""

from __future__ import annotations

from alembic_rehearsal.remedies import _patch
from alembic_rehearsal.remedies._problem import Problem
from alembic_rehearsal.remedies._proposal import Proposal
from alembic_rehearsal.remedies._spot import NotGuardableError

ID = "reconcile"


def propose(problem: Problem) -> Proposal | None:
    """Return guards with the operations behind them, None where there is nothing to bring into shape."""
    try:
        patch = _patch.made_for(problem)
    except NotGuardableError:
        return None  # the guard says so
    if not patch.reconciled:
        return None
    return Proposal(
        kind=ID,
        text=f"Let the revisions skip what is there, and bring it into shape: {', '.join(patch.reconciled)}",
        edits=tuple(patch.edits),
        notes=(*patch.renamed, *patch.notes),
    )
