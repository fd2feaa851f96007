"""A revision was put below one that production has applied: it never runs there, and the version row looks right.

The version row alone can't show it, so without a commit to compare with nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal import lineage
from alembic_rehearsal.checks import _graph
from alembic_rehearsal.model import Evidence, Finding, Revision, Severity, Since

ID = "revision-slipped-under"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each revision below an applied one that was not below it in the commit compared with.

    Where as many others have left that place, they may have been joined into it: a warning.
    """
    if evidence.since is None:
        return
    known = lineage.graph(evidence.trace)
    told: set[str] = set()
    for table in evidence.tables:
        for revision, above, gone in _slipped(evidence.since, known, table.rows if table else ()):
            if revision.revision not in told:
                told.add(revision.revision)
                yield _finding(evidence, evidence.since, revision, above, gone)


def _slipped(
    since: Since, known: dict[str, Revision], rows: tuple[str, ...]
) -> Iterator[tuple[Revision, Revision, list[str]]]:
    """Yield each such revision, the lowest of those above it that had been there, and what has left that place."""
    old = [each for each in known if each in lineage.ancestors(rows, known) and each in since.parents]
    before = lineage.closure(old, lambda each: since.parents.get(each, ()))
    now = lineage.ancestors(old, known)
    gone = sorted(before - now)
    for revision in (each for each in known if each in now - before):
        above = [each for each in old if revision in lineage.ancestors([each], known)]
        lowest = min(above, key=lambda each: len(lineage.ancestors([each], known)))
        yield known[revision], known[lowest], gone


def _finding(evidence: Evidence, since: Since, revision: Revision, above: Revision, gone: list[str]) -> Finding:
    ran = lineage.graph(evidence.trace)
    heads = [head for context in evidence.trace.contexts[-1:] for head in context.heads]
    free = [head for head in heads if revision.revision not in lineage.ancestors([head], ran)] or heads
    then, now = since.parents.get(above.revision, ()), above.down_revisions
    lines = [
        f"{above.revision} built on {', '.join(then) or 'nothing'} in {since.ref} ({since.commit[:12]})",
        f"{above.revision} builds on {', '.join(now)} now: {_graph.said(evidence, above, 'down_revision')}",
    ]
    if gone:
        lines.append(f"no longer below it: {', '.join(gone)}; what they do may have gone into {revision.revision}")
    return Finding(
        check=ID,
        severity=Severity.WARNING if gone else Severity.ERROR,
        message=f"Revision {revision.revision} was put below {above.revision}, which production has applied: it never "
        "runs there, and the version row says that it did",
        evidence=tuple(lines),
        fix=f"Let {above.revision} build on what it built on, and {revision.revision} on the head: "
        f'down_revision = "{free[0] if free else ""}"',
        location=_graph.place(evidence, revision, "down_revision"),
        revision=revision.revision,
    )
