"""The upgrade once more, on copies, after it went through: one trial a file.

Nothing here touches the true run or the database that it left; every trial has a copy of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import psycopg2

from alembic_rehearsal import grades, lineage, readback
from alembic_rehearsal.again import beside, cuts, race, rerun, second
from alembic_rehearsal.again.ground import Ground, ground
from alembic_rehearsal.again.records import Again
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
    with trials.beside(wanted) as rest:
        # The copies of the finished database come first: the roles that the true run made go aside with the race.
        twice = trials.made(_SECOND, wanted) if grades.SECOND not in rest else None
        redone = trials.made(_RERUN, wanted) if grades.RERUN not in rest else None
        raced = trials.made(_RACE, wanted)
        twice = trials.made(_SECOND, wanted, rest[grades.SECOND]) if grades.SECOND in rest else twice
        redone = trials.made(_RERUN, wanted, rest[grades.RERUN]) if grades.RERUN in rest else redone
    # Only now: where a commit is held, all of the server's are.
    return Again(twice, raced, redone, cut() if cut else None, tuple(trials.untried))


@dataclass(frozen=True, slots=True)
class _Trial(Generic[_Result]):
    """One kind of trial: the check that asks for it, and the functions of its module."""

    check: str
    run: Callable[[Ground], _Result]
    doubtful: Callable[[_Result, Options], bool]


_SECOND = _Trial(grades.SECOND, second.run, second.doubtful)
_RERUN = _Trial(grades.RERUN, rerun.run, rerun.doubtful)
_RACE = _Trial(grades.RACE, race.run, race.doubtful)
_ON_THE_FINISHED = {grades.SECOND: second.begun, grades.RERUN: rerun.begun}


@dataclass
class _Trials:
    start: Ground
    untried: list[str] = field(default_factory=list)

    @contextmanager
    def beside(self, wanted: Collection[str]) -> Iterator[Mapping[str, Callable[[], Any]]]:
        """Begin the trials on the finished database while the others are made; each check with what waits for its end.

        Nothing is handed out for one that has to wait for its turn.
        """
        begun: dict[str, Callable[[], Any]] = {}
        lab = self.start.lab
        with ExitStack() as stack:
            # Where one can't begin it has its turn, and says why if it can't be made then either.
            with suppress(RehearsalError, psycopg2.Error):
                several = len({*_ON_THE_FINISHED, grades.RACE} & set(wanted)) > 1
                if several and beside.is_possible(self.start):
                    for number, (check, begin) in enumerate(_ON_THE_FINISHED.items(), 1):
                        if check in wanted:
                            start = beside.ground(self.start, number, fork=self.start.lab.forks())
                            run = begin(start, lab.aside("rehearsed"), start.lab.name(f"beside-{number}"))
                            begun[check] = stack.enter_context(run)
            yield begun

    def made(
        self, trial: _Trial[_Result], wanted: Collection[str], first: Callable[[], _Result] | None = None
    ) -> _Result | None:
        """Return what *trial* finds; that it can't be made is a line of the report, and never costs the verdict.

        *first* is called in place of a trial whose process is forked.
        """
        if trial.check not in wanted:
            return None
        lab = self.start.lab

        def run() -> _Result:
            return trial.run(self.start)

        def doubtful(found: _Result) -> bool:
            return trial.doubtful(found, lab.options)

        lab.listener.progress(f"trying {_WHAT[trial.check]}")
        try:
            if first is None:
                return lab.tried(run, doubtful)
            found = first()
            return run() if doubtful(found) else found
        except (RehearsalError, psycopg2.Error) as error:
            said = str(error).strip().split("\n", 1)[0]
            self.untried.append(f"{_WHAT[trial.check]}: {said}")
            return None


def _recorded(found: Iterable[VersionTable], trace: Trace) -> bool:
    """Say whether a new connection sees the version rows that Alembic believes in; else another check says so."""
    rows = {row for table in found for row in table.rows}
    # A command may migrate in several runs; the last one on a table is what it means to leave there.
    tables = ((context.schema, context.version_table) for context in trace.contexts)
    believed = dict(zip(tables, trace.believed, strict=False))
    return not any(context.as_sql for context in trace.contexts) and {*sum(believed.values(), ())} <= rows


def _relative(trace: Trace) -> bool:
    return any("+" in each for context in trace.contexts for each in context.destination)
