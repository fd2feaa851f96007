"""The deploy's command once more on what it left: the next start, retry or deploy of the same release does that."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alembic_rehearsal import catalog, readback
from alembic_rehearsal.again.ground import Ground, row_differences, schema_differences
from alembic_rehearsal.again.records import Second
from alembic_rehearsal.lab import FINISHED
from alembic_rehearsal.model import Options, Trace


def run(start: Ground) -> Second:
    """Run the command on a copy of the finished database.

    Raises:
        RehearsalError: the server refuses.
    """
    with begun(start, FINISHED, start.lab.name("second-run")) as rest:
        return rest()


@contextmanager
def begun(start: Ground, source: str, name: str) -> Iterator[Callable[[], Second]]:
    """Begin the run *name*, and hand out what waits for its end; *source* is where the finished database stands.

    Raises:
        RehearsalError: the server refuses, and so does what is handed out.
    """
    lab = start.lab
    with start.lab.step("second run"):
        lab.fresh(name, source)
        mark = readback.mark(lab.admin, secrets.token_hex(8))
        with lab.start(name) as running:
            rest = lab.released(running, start.limit_s)
            yield lambda: _found(start, rest(), mark)


def _found(start: Ground, trace: Trace, mark: readback.Mark) -> Second:
    admin = start.lab.admin
    return Second(
        trace=trace,
        differences=schema_differences(start, catalog.read(admin), "after a second"),
        rows=row_differences(start, admin),
        rewritten=readback.read(admin, mark, None, ()).committed,
    )


def doubtful(found: Second, _options: Options) -> bool:
    """Say whether a copy of the command's process could have been the reason for what was found."""
    trace = found.trace
    wrong = trace.exit_status != 0 or trace.steps or any(each.error for each in trace.statements)
    return bool(wrong or found.differences or found.rows or found.rewritten)
