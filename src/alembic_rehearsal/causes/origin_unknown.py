"""Something is in the way, and the history can't be built, so nobody knows which revision made it."""

from __future__ import annotations

from alembic_rehearsal.causes import _shape
from alembic_rehearsal.causes._case import Case
from alembic_rehearsal.model import Cause

ID = "origin-unknown"


def diagnose(case: Case) -> Cause | None:
    """Return the cause when only the comparison can be made."""
    if case.kind != "duplicate" or not case.keys or case.history.complete:
        return None
    return Cause(
        id=ID,
        message=f"Production has {case.keys[0]}; which revision made it, if any did, can't be told",
        evidence=(f"the history doesn't run from base: {case.history.why}",) if case.history.why else (),
        comparison=_shape.compared(case.production, case.wanted, case.keys[0]),
    )
