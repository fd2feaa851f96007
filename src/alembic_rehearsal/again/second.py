"""The deploy's command once more on what it left: the next start, retry or deploy of the same release does that."""

from __future__ import annotations

import secrets

from alembic_rehearsal import catalog, readback
from alembic_rehearsal.again.ground import Ground, row_differences, schema_differences
from alembic_rehearsal.again.records import Second
from alembic_rehearsal.lab import FINISHED
from alembic_rehearsal.model import Options


def run(start: Ground) -> Second:
    """Run the command on a copy of the finished database.

    Raises:
        RehearsalError: the server refuses.
    """
    lab = start.lab
    with start.step("second run"):
        name = start.name("second-run")
        lab.fresh(name, FINISHED)
        mark = readback.mark(lab.admin, secrets.token_hex(8))
        trace = lab.run(name, timed=False, timeout_s=start.limit_s)
        return Second(
            trace=trace,
            differences=schema_differences(start, catalog.read(lab.admin), "after a second"),
            rows=row_differences(start, lab.admin),
            rewritten=readback.read(lab.admin, mark, None, ()).committed,
        )


def doubtful(found: Second, _options: Options) -> bool:
    """Say whether a copy of the command's process could have been the reason for what was found."""
    trace = found.trace
    wrong = trace.exit_status != 0 or trace.steps or any(each.error for each in trace.statements)
    return bool(wrong or found.differences or found.rows or found.rewritten)
