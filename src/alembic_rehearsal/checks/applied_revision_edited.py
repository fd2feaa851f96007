"""A revision that production has applied does something else now: production keeps what it did then."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal import lineage
from alembic_rehearsal.checks import _graph, revision_slipped_under
from alembic_rehearsal.model import Evidence, Finding, Severity

ID = "applied-revision-edited"

# Where a revision stands is no part of what it does; what was put below one is told of by itself.
_PLACE = {"down_revision", "depends_on", "branch_labels"}


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each revision below production's whose file does something else than in the commit."""
    since = evidence.since
    if since is None:
        return
    known = lineage.graph(evidence.trace)
    rows = [row for table in evidence.tables if table is not None for row in table.rows]
    slipped = any(revision_slipped_under.check(evidence))
    for revision in lineage.ancestors(rows, known) & set(known) & set(since.edited):
        changed = [each for each in since.edited[revision] if not (slipped and each in _PLACE)]
        if changed:
            yield Finding(
                check=ID,
                # Nobody's schema depends on a downgrade that was not run.
                severity=Severity.NOTE if changed == ["downgrade()"] else Severity.WARNING,
                message=f"Revision {revision}, which production has applied, was changed in {', '.join(changed)}: "
                "production keeps what it did before",
                evidence=(f"compared with {since.ref} ({since.commit[:12]}), without comments, layout and docstrings",),
                fix="Undo the change, and put what is to be different into a new revision.",
                location=_graph.place(evidence, known[revision]),
                revision=revision,
            )
