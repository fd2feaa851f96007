"""The deploy's command once more on what it left: the next start, retry or deploy of the same release does that."""

from __future__ import annotations

import secrets

from alembic_rehearsal import catalog, readback
from alembic_rehearsal.again.ground import Ground, row_differences, schema_differences
from alembic_rehearsal.again.records import Second
from alembic_rehearsal.lab import FINISHED

CHECK = "second-run-not-a-no-op"


def run(start: Ground) -> Second:
    """Run the command on a copy of the finished database.

    Raises:
        RehearsalError: the server refuses.
    """
    lab = start.lab
    with lab.clock.step("second run"):
        lab.fresh("second-run", FINISHED)
        mark = readback.mark(lab.admin, secrets.token_hex(8))
        trace = lab.run("second-run", timed=False, timeout_s=start.limit_s)
        return Second(
            trace=trace,
            differences=schema_differences(start, catalog.read(lab.admin), "after a second"),
            rows=row_differences(start, lab.admin),
            rewritten=readback.read(lab.admin, mark, None, ()).committed,
        )
