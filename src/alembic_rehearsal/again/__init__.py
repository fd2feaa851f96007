"""The upgrade once more, on copies, after it went through: one trial a file.

Nothing here touches the true run or the database that it left; every trial has a copy of its own.
"""

from __future__ import annotations

from alembic_rehearsal import lineage
from alembic_rehearsal.again import cuts
from alembic_rehearsal.again.records import Again
from alembic_rehearsal.lab import Lab
from alembic_rehearsal.model import Trace


def tried(lab: Lab, trace: Trace, xid: int) -> Again | None:
    """Return what came of the trials, None where the true run did not go through.

    Args:
        lab: the database that the true run left stands under production's name.
        xid: of a transaction on its server just before it.

    Raises:
        ServerError: the server refuses.
    """
    if trace.exit_status != 0 or not trace.steps or lineage.failed(trace.steps):
        return None
    return Again(cuts=cuts.tried(lab, trace, xid))
