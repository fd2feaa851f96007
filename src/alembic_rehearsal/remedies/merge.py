"""Join several heads in a revision of its own, as `alembic merge` does."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

from alembic_rehearsal import lineage
from alembic_rehearsal.checks import _graph
from alembic_rehearsal.model import Edit
from alembic_rehearsal.remedies._problem import Problem
from alembic_rehearsal.remedies._proposal import Proposal

ID = "merge"

# As Alembic's own template has it; without a date, so that the same heads make the same file.
_FILE = '''"""merge {heads}

Revision ID: {revision}
Revises: {heads}
"""

revision = "{revision}"
down_revision = ({downs})
branch_labels = None
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
'''


def propose(problem: Problem) -> Proposal | None:
    """Return the revision that joins the heads, None unless they are what ended the command."""
    trace = problem.evidence.trace
    if problem.failing or not trace.contexts or _graph.fault(problem.evidence) != _graph.HEADS:
        return None
    heads = trace.contexts[-1].heads
    known = lineage.graph(trace)
    if len(heads) < 2 or not set(heads) <= set(known):
        return None
    # Alembic takes the twelve last digits of a random number; these are the heads' own.
    revision = hashlib.sha256("\0".join(sorted(heads)).encode()).hexdigest()[:12]
    text = _FILE.format(heads=", ".join(heads), revision=revision, downs=", ".join(f'"{head}"' for head in heads))
    folder = PurePosixPath(known[heads[0]].path).parent
    return Proposal(
        kind=ID,
        text=f"Join the heads {', '.join(heads)} in a revision of its own",
        edits=(Edit(str(folder / f"{revision}_merge.py"), "", text),),
        notes=(
            "a merge says nothing of whether the branches get on with each other: look at what both of them change",
        ),
    )
