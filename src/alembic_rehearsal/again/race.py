"""Several upgrades at once on one copy of production's schema, as instances that start together run them.

Nothing is left to luck: each is held where it has read the version table and is about to run its first revision, until
all are there, wait for a lock, or have ended.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from alembic_rehearsal import catalog, grades, lineage, locks
from alembic_rehearsal.again import starting
from alembic_rehearsal.again.ground import Ground, row_differences, schema_differences
from alembic_rehearsal.again.records import Race
from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.model import Options, Trace
from alembic_rehearsal.rehearse import Rehearsal

_POLL_S = 0.03
# One of them may wait in a way that nobody sees from outside: for a file's lock, in a queue of its own.
_QUIET_S = 3.0
# By itself no command stands at the barrier for longer.
_HELD_S = 60.0
_VERSION_ROW = "alembic.util.exc.CommandError"
# A session that asks for a lock again and again is waiting too, and holds no snapshot meanwhile.
_ASKS = b"pg_try_advisory"
# As the probe writes them.
_ARRIVED, _STATEMENT = b'{"event": "arrived"', b'{"event": "statement"'


def run(start: Ground) -> Race:
    """Let as many upgrades at each other as the options say.

    Raises:
        RehearsalError: the server refuses.
    """
    lab, instances = start.lab, start.lab.options.instances
    if lab.roles_left():
        message = "the revisions make roles, which a server that is somebody else's keeps"
        raise ServerError(message)
    with start.lab.step("race"):
        name = start.lab.name("race")
        lab.fresh(name)
        with contextlib.ExitStack() as stack:
            several = [
                stack.enter_context(lab.start(f"{name}-{number}", barrier_s=_HELD_S))
                for number in range(1, instances + 1)
            ]
            traces, met = _let_run(start, several)
        differences = (
            *schema_differences(start, catalog.read(lab.admin), f"after {instances} at once"),
            *row_differences(start, lab.admin),
        )
    return Race(
        instances=instances,
        met=met,
        losers=tuple(trace for trace in traces if trace.exit_status != 0 or lineage.failed(trace.steps)),
        differences=differences,
        starts=starting.found(Path(lab.target.checkout), lab.options.command),
    )


def _let_run(start: Ground, several: Sequence[Rehearsal]) -> tuple[tuple[Trace, ...], int]:
    """Bring them to the barrier and past it; return what each did, and how many met there."""
    lab = start.lab
    until = time.monotonic() + start.limit_s
    # Their imports take as long as they take; from the first connection on they are side by side.
    while time.monotonic() < until and not all(b'"waiting"' in each.told() or each.ended_early() for each in several):
        time.sleep(_POLL_S)
    for each in several:
        each.release(lab.endpoint)
    with locks.watch(lab.cluster.admin, lab.restored.dbname) as waiting:
        met = _hold([_Runner(each) for each in several], waiting, until)
    traces = tuple(
        each.finish(timeout_s=start.limit_s, waiting_on=lambda: locks.waiting_on(lab.admin), log=lambda: ())
        for each in several
    )
    return traces, met


class _Runner:
    """One of them, on its way.

    Attributes:
        stops: how often it has come to the barrier.
        passed: how often it was let go.
        asks: it asks for a lock again and again.
    """

    def __init__(self, running: Rehearsal) -> None:
        self._running = running
        self.stops = self.passed = 0
        self.asks = self.ended = False

    def look(self) -> None:
        self.ended = self._running.ended_early()
        told = self._running.told()
        self.stops = told.count(_ARRIVED)
        last = told[max(told.rfind(_STATEMENT), 0) :].partition(b"\n")[0]
        self.asks = last.startswith(_STATEMENT) and _ASKS in last and not self.ended

    def let_go(self) -> None:
        if self.stops > self.passed:
            self.passed = self.stops
            self._running.let_go(self.passed)


def _hold(several: Sequence[_Runner], waiting: Callable[[], int], until: float) -> int:
    """Let them go, each time that none of them moves any more, to their ends; return how many met the first time.

    Args:
        waiting: says how many of them wait for a lock.
    """
    met, seen, since = 0, (0, 0, 0, 0), time.monotonic()
    while time.monotonic() < until:
        for each in several:
            each.look()
        standing = sum(each.stops > each.passed and not each.ended for each in several)
        ended = sum(each.ended for each in several)
        if ended == len(several):
            break
        asking = sum(each.asks and each.stops == each.passed for each in several)
        now = (standing, ended, waiting(), asking)
        if now != seen:
            seen, since = now, time.monotonic()
        if standing and (sum(now) >= len(several) or time.monotonic() - since > _QUIET_S):
            met = met or standing
            for each in several:
                each.let_go()
        # A long upgrade is not to be watched more closely than it changes.
        time.sleep(_POLL_S if time.monotonic() - since < 1 else 5 * _POLL_S)
    return met


def doubtful(found: Race, options: Options) -> bool:
    """Say whether copies of the command's process could have been the reason for what was found.

    What the server says, and Alembic about a version row, is no copy's doing; what blocks is looked at twice anyway.
    """
    if found.safe:
        return False
    failures = [trace.failures[-1] if trace.failures else None for trace in found.losers]
    unsaid = any(each is None or not (each.error or each.type == _VERSION_ROW) for each in failures)
    return unsaid or bool(found.starts) or grades.blocks(options, "race-safe")
