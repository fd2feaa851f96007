"""The history makes it more than once, and what should have removed it in between did not in production."""

from __future__ import annotations

from alembic_rehearsal.catalog import Key
from alembic_rehearsal.causes import _shape
from alembic_rehearsal.causes._case import Case
from alembic_rehearsal.model import Cause

ID = "made-twice"


def diagnose(case: Case) -> Cause | None:
    """Return the cause when a revision that production has run makes what the failing one makes again."""
    if case.kind != "duplicate" or not case.keys:
        return None
    key = case.keys[0]
    makers = [revision for revision in case.history.makers(key) if revision in case.applied]
    if not makers:
        return None
    dropped = _dropped_by(case, key, makers[-1])
    if dropped:
        message = f"Revision {dropped} drops {key} of revision {makers[-1]}, and production still has it"
    else:
        message = f"Revision {makers[-1]}, which production has run, makes {key}, and {case.revision} makes it again"
    return Cause(
        id=ID,
        message=message,
        comparison=_shape.compared(case.production, case.wanted or case.history.after(makers[-1]), key),
    )


def _dropped_by(case: Case, key: Key, maker: str) -> str:
    """Return the revision after *maker* that removes *key*, "" if there is none."""
    revisions = case.history.revisions
    later = revisions[revisions.index(maker) + 1 :]
    return next(
        (change.revision for change in case.history.changes if change.revision in later and key in change.gone), ""
    )
