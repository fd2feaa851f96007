"""A revision makes it that production has not recorded: of another branch, or of the same content under another id."""

from __future__ import annotations

from alembic_rehearsal import lineage
from alembic_rehearsal.causes import _shape
from alembic_rehearsal.causes._case import Case
from alembic_rehearsal.model import Cause

ID = "made-by-other-branch"


def diagnose(case: Case) -> Cause | None:
    """Return the cause when the maker neither is recorded nor fails, nor builds on what fails."""
    if case.kind != "duplicate" or not case.keys:
        return None
    key = case.keys[0]
    known = lineage.graph(case.evidence.trace)
    for maker in case.history.makers(key):
        unrelated = case.revision not in lineage.ancestors([maker], known)
        if maker and maker not in case.applied and maker != case.revision and unrelated:
            return Cause(
                id=ID,
                message=f"{key} is made by revision {maker}, which production's version row doesn't include",
                evidence=(f"{maker} is no ancestor of {case.stamped}; {case.revision} makes it too",),
                comparison=_shape.compared(case.production, case.history.after(maker), key),
                revision=maker,
            )
    return None
