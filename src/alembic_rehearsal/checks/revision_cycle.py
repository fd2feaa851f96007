"""Revisions that build on each other in a circle: Alembic finds no way through them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from alembic_rehearsal.checks import _graph
from alembic_rehearsal.model import Evidence, Failure, Finding, Severity

ID = _graph.CYCLE


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield one finding with the revisions of the circle."""
    if _graph.fault(evidence) != ID:
        return
    circle, failure = _graph.cycle(evidence), evidence.trace.failures[-1]
    if not circle:
        # A file that builds on itself is refused as it is read, and isn't among them.
        yield _refused(evidence, failure)
        return
    names = ", ".join(each.revision for each in circle)
    yield Finding(
        check=ID,
        severity=Severity.ERROR,
        message=f"Revisions {names} build on each other in a circle",
        evidence=(
            *(
                f"{each.revision} builds on {', '.join(each.down_revisions)}: "
                f"{_graph.said(evidence, each, 'down_revision')}"
                for each in circle
            ),
            f"Alembic: {failure.text}",
        ),
        fix="Correct the down_revision of one of them: the oldest of these revisions builds on one that is not among "
        "them. Look at depends_on too, if it is set.",
        location=_graph.place(evidence, circle[0], "down_revision"),
        revision=circle[0].revision,
    )


def _refused(evidence: Evidence, failure: Failure) -> Finding:
    where = failure.location
    line = evidence.lines.get(where.path, {}).get("down_revision", where.line) if where else None
    return Finding(
        check=ID,
        severity=Severity.ERROR,
        message="A revision builds on itself",
        evidence=(f"Alembic: {failure.text}",),
        fix="Correct its down_revision, or its depends_on.",
        location=replace(where, line=line) if where else None,
        revision=failure.revision,
    )
