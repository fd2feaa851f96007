"""Several revisions that nothing builds on, and a command that takes one head."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal import lineage
from alembic_rehearsal.checks import _graph
from alembic_rehearsal.model import Evidence, Finding, Severity

ID = _graph.HEADS


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield one finding where the command ended because of the heads; with `heads` they are all upgraded."""
    if _graph.fault(evidence) != ID:
        return
    known = lineage.graph(evidence.trace)
    heads = [known[head] for context in evidence.trace.contexts[-1:] for head in context.heads if head in known]
    applied = lineage.ancestors((row for table in evidence.tables if table for row in table.rows), known)
    new = [head for head in heads if head.revision not in applied] or heads
    yield Finding(
        check=ID,
        severity=Severity.ERROR,
        message=f"The revisions have {len(heads)} heads, {', '.join(head.revision for head in heads)}, and the command "
        "upgrades to one: nothing is applied",
        evidence=tuple(
            f"{head.revision} builds on {', '.join(head.down_revisions) or 'nothing'}: "
            f"{_graph.said(evidence, head, 'down_revision')}"
            for head in heads
        ),
        fix="Join them in a revision: alembic merge heads -m 'merge'. Or upgrade both, if the deploy does: "
        "--target heads.",
        location=_graph.place(evidence, new[-1], "down_revision") if new else None,
        revision=new[-1].revision if new else "",
    )
