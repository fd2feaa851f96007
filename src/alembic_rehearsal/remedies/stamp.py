"""Tell Alembic that production is at a later revision: only where its schema says that it is."""

from __future__ import annotations

from alembic_rehearsal.causes._case import current
from alembic_rehearsal.remedies._problem import Problem
from alembic_rehearsal.remedies._proposal import Proposal

ID = "stamp"

_CAUSES = ("version-behind", "never-stamped")


def propose(problem: Problem) -> Proposal | None:
    """Return the stamp where the cause of a failure is the version row; refused where a single fact differs."""
    causes = [finding.cause for finding in problem.findings if finding.cause and finding.cause.id in _CAUSES]
    if not causes:
        return None
    cause = causes[0]
    if not cause.revision:
        return Proposal(
            kind=ID,
            text="alembic stamp",
            refused="; ".join(cause.evidence[:2]) or "no revision's schema is production's",
        )
    several = len(current(problem.evidence)) > 1 or len(problem.evidence.trace.contexts) != 1
    return Proposal(
        kind=ID,
        text=f"Record that production is at revision {cause.revision}, whose schema it has",
        stamp=cause.revision,
        refused="production has several version rows" if several else "",
        notes=(
            f"a stamp runs nothing: look through the revisions up to {cause.revision} for rows that they would write",
        ),
    )
