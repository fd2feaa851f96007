"""The version table has no row although production has tables: the history begins at its base."""

from __future__ import annotations

from alembic_rehearsal.causes._case import Case, current
from alembic_rehearsal.causes._nearest import nearest, words
from alembic_rehearsal.model import Cause

ID = "never-stamped"


def diagnose(case: Case) -> Cause | None:
    """Return the cause when something is there already and production's version table holds nothing."""
    if case.kind != "duplicate" or current(case.evidence) or not case.keys:
        return None
    near = nearest(case)
    return Cause(
        id=ID,
        message="Production has tables and no version row, so Alembic starts at the base revision",
        evidence=words(case, near) if near else (),
        revision=near.revision if near and not near.facts else "",
    )
