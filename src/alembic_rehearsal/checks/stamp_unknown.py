"""Production is at a revision that no file has: the upgrade ends before it begins."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from alembic_rehearsal import lineage
from alembic_rehearsal.checks import _graph
from alembic_rehearsal.model import Evidence, Finding, Severity

ID = _graph.UNKNOWN


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each version row that the command could not find among the revisions."""
    if _graph.fault(evidence) != ID:
        return
    known = lineage.graph(evidence.trace)
    heads = sorted({head for context in evidence.trace.contexts for head in context.heads})
    for table, row in _graph.unknown(evidence):
        near = difflib.get_close_matches(row, known, n=1)
        yield Finding(
            check=ID,
            severity=Severity.ERROR,
            message=f"Production is at {row}, and no revision file has that id: nothing can be applied",
            evidence=(
                f"row of {table.schema}.{table.name}: {row}",
                f"the scripts have {len(known)} revisions up to {', '.join(heads)}",
                *((f"nearest to it is {near[0]}: {known[near[0]].path}",) if near else ()),
            ),
            fix=f"Deploy from a branch that has the file of {row}: one that production has run stays in the "
            "repository for good. If the row is of another application, this one needs a version table of its own: "
            "version_table in env.py.",
        )
