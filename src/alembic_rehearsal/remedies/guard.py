"""Make the operations of the pending revisions skip what is there already, or gone, where it is as they want it."""

from __future__ import annotations

from alembic_rehearsal.remedies import _patch
from alembic_rehearsal.remedies._problem import Problem
from alembic_rehearsal.remedies._proposal import Proposal
from alembic_rehearsal.remedies._spot import NotGuardableError

ID = "guard"

_SKIPPED = {
    "duplicate": "what production has already",
    "undefined": "what production has not got any more",
}


def propose(problem: Problem) -> Proposal | None:
    """Return the guards; refused where skipping would leave another shape, or something can't be guarded."""
    if not problem.failing:
        return None
    kinds = {case.kind for failing in problem.failing for case in failing.cases}
    skipped = " and ".join(words for kind, words in _SKIPPED.items() if kind in kinds)
    text = f"Let the revisions skip {skipped or 'what fails'}"
    try:
        patch = _patch.made_for(problem)
    except NotGuardableError as error:
        return Proposal(kind=ID, text=text, refused=str(error))
    if patch.renamed and not patch.guarded:
        return None
    refused = ""
    if patch.reconciled:
        refused = f"skipping alone would leave {', '.join(patch.reconciled)} as production has it, which is different"
    return Proposal(
        kind=ID,
        text=text,
        edits=tuple(patch.edits),
        refused=refused,
        notes=(*patch.renamed, *patch.notes),
    )
