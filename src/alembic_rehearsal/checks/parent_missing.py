"""A revision builds on one that no file has: Alembic ends with a KeyError before it does anything."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from alembic_rehearsal.checks import _graph
from alembic_rehearsal.model import Evidence, Finding, Revision, Severity

ID = _graph.PARENT


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each revision that builds on one which isn't there."""
    if _graph.fault(evidence) != ID:
        return
    for missing, files in _graph.absent(evidence).items():
        for revision in files:
            yield _finding(evidence, missing, revision)


def _finding(evidence: Evidence, missing: str, revision: Revision) -> Finding:
    ids = [each.revision for each in evidence.trace.scripts if each is not revision]
    near = difflib.get_close_matches(missing, ids, n=1)
    stamped = [row for table in evidence.restored.version_tables for row in table.rows if row == missing]
    lines = (f"production is at {missing}",) if stamped else ()
    return Finding(
        check=ID,
        severity=Severity.ERROR,
        message=f"Revision {revision.revision} builds on {missing}, and no revision file has that id: Alembic can't "
        "read the revisions",
        evidence=lines + ((f"nearest to it is {near[0]}",) if near else ()),
        fix=f"Bring back the file of {missing}: it may be on another branch, or was deleted. Or let "
        f"{revision.revision} build on a revision that is there.",
        location=_graph.place(evidence, revision, "down_revision"),
        revision=revision.revision,
    )
