"""The upgrade once more, on copies, after it went through: one trial a file.

Nothing here touches the true run or the database that it left; every trial has a copy of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import psycopg2

from alembic_rehearsal import grades, lineage, readback
from alembic_rehearsal.again import beside, cuts, race, rerun, second
from alembic_rehearsal.again.ground import Ground, ground
from alembic_rehearsal.again.records import Again, Rerun
from alembic_rehearsal.errors import RehearsalError
from alembic_rehearsal.lab import Lab
from alembic_rehearsal.model import Options, Trace, VersionTable

_Result = TypeVar("_Result")
_WHAT = {
    grades.SECOND: "a second upgrade",
    grades.RERUN: "the revisions run again",
    grades.RACE: "several upgrades at once",
    grades.CUTS: "deploys that die half-way",
}


def tried(lab: Lab, trace: Trace, xid: int) -> Again | None:
    """Return what came of the trials, None where the true run did not go through or had nothing to do.

    Args:
        lab: the database that the true run left stands under production's name.
        xid: of a transaction on its server just before it.

    Raises:
        RehearsalError: the finished database can't be read.
    """
    if trace.exit_status != 0 or not trace.steps or lineage.failed(trace.steps):
        return None
    tables = readback.version_tables_of(lab.admin)
    if not _recorded(tables, trace):
        return None
    wanted = grades.wanted(lab.options)
    left_out = ", ".join(what for check, what in _WHAT.items() if check not in wanted)
    off = [f"{left_out}: switched off"] if left_out else []
    if not wanted:
        return Again(untried=tuple(off))
    if _relative(trace):
        return Again(untried=("a second and further upgrades: to a relative target each of them would go further",))
    trials = _Trials(ground(lab, trace, tables), off)
    cut = cuts.prepared(trials.start, xid) if grades.CUTS in wanted else None
    # The copies of the finished database come first: the roles that the true run made go aside with the race.
    with trials.rerun_beside(wanted) as rest:
        twice = trials.made(grades.SECOND, second.run, second.doubtful) if grades.SECOND in wanted else None
        redone = trials.rerun() if grades.RERUN in wanted and rest is None else None
        raced = trials.made(grades.RACE, race.run, race.doubtful) if grades.RACE in wanted else None
        if rest is not None:
            redone = trials.rerun(rest)
    # Only now: where a commit is held, all of the server's are.
    return Again(twice, raced, redone, cut() if cut else None, tuple(trials.untried))


@dataclass
class _Trials:
    start: Ground
    untried: list[str] = field(default_factory=list)

    @contextmanager
    def rerun_beside(self, wanted: Iterable[str]) -> Iterator[Callable[[], Rerun] | None]:
        """Begin to run the revisions again while the other trials are made; None where that has to wait for its turn.

        What is handed out raises as `rerun.run` does.
        """
        if not {grades.RERUN, grades.RACE} <= set(wanted):
            yield None
            return
        lab = self.start.lab
        with ExitStack() as stack:
            rest = None
            try:
                other = beside.lab(self.start)
                if other is not None:
                    other.fork = self._forks()
                    start = replace(self.start, lab=other)
                    rest = stack.enter_context(rerun.begun(start, lab.aside("rehearsed"), "rerun-beside"))
            except (RehearsalError, psycopg2.Error):
                rest = None  # by itself it may come about
            yield rest

    def rerun(self, first: Callable[[], Rerun] | None = None) -> Rerun | None:
        """Return what running the revisions again finds; *first* waits for a run that has begun."""
        return self.made(grades.RERUN, rerun.run, rerun.doubtful, first)

    def _forks(self) -> bool:
        true = self.start.lab.true
        return true is not None and true.nursery is not None and true.nursery.settled()

    def made(
        self,
        check: str,
        trial: Callable[[Ground], _Result],
        doubtful: Callable[[_Result, Options], bool],
        first: Callable[[], _Result] | None = None,
    ) -> _Result | None:
        """Return what *trial* finds; that it can't be made is a line of the report, and never costs the verdict.

        *first* is called in place of a trial whose process is forked.
        """
        lab = self.start.lab
        lab.listener.progress(f"trying {_WHAT[check]}")
        try:
            lab.fork = self._forks() and first is None
            result = first() if first else trial(self.start) if lab.fork else None
            if result is None or doubtful(result, lab.options):
                # A copy of a process may lack what its original has taken away at its end: files, for one.
                lab.fork = False
                result = trial(self.start)
            return result
        except (RehearsalError, psycopg2.Error) as error:
            said = str(error).strip().split("\n", 1)[0]
            self.untried.append(f"{_WHAT[check]}: {said}")
            return None
        finally:
            lab.fork = False


def _recorded(found: Iterable[VersionTable], trace: Trace) -> bool:
    """Say whether a new connection sees the version rows that Alembic believes in; else another check says so."""
    rows = {row for table in found for row in table.rows}
    # A command may migrate in several runs; the last one on a table is what it means to leave there.
    tables = ((context.schema, context.version_table) for context in trace.contexts)
    believed = dict(zip(tables, trace.believed, strict=False))
    return not any(context.as_sql for context in trace.contexts) and {*sum(believed.values(), ())} <= rows


def _relative(trace: Trace) -> bool:
    return any("+" in each for context in trace.contexts for each in context.destination)
