"""No revision makes it: the history needs something that comes from elsewhere, or the name is wrong."""

from __future__ import annotations

from alembic_rehearsal.causes._case import Case
from alembic_rehearsal.model import Cause

ID = "never-made"


def diagnose(case: Case) -> Cause | None:
    """Return the cause when neither production nor the history up to here has it."""
    before = case.history.before(case.revision)
    if case.kind != "undefined" or before is None or not case.subject or case.keys or case.named(before):
        return None
    if before.definitions and not case.applied <= set(case.history.revisions):
        return None
    after = case.wanted
    if after is not None and case.named(after):
        return None
    return Cause(
        id=ID,
        message=f'Nothing makes "{case.subject}": no revision before {case.revision} does, and production has none',
        evidence=(f"from base the history ends too: {case.history.why}",) if not case.history.complete else (),
    )
