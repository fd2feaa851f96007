"""The upgrade once more, on copies, after it went through: one trial a file.

Nothing here touches the true run or the database that it left; every trial has a copy of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import psycopg2

from alembic_rehearsal import lineage, readback
from alembic_rehearsal.again import race, rerun, second
from alembic_rehearsal.again.ground import Ground, ground
from alembic_rehearsal.again.records import Again, Race
from alembic_rehearsal.errors import RehearsalError
from alembic_rehearsal.lab import Lab
from alembic_rehearsal.model import Options, Trace

_Result = TypeVar("_Result")


def tried(lab: Lab, trace: Trace) -> Again | None:
    """Return what came of the trials, None where the true run did not go through or had nothing to do.

    Args:
        lab: the database that the true run left stands under production's name.

    Raises:
        RehearsalError: the finished database can't be read.
    """
    if trace.exit_status != 0 or not trace.steps or lineage.failed(trace.steps) or not _recorded(lab, trace):
        return None
    wanted = _wanted(lab.options)
    if not wanted:
        return Again()
    if _relative(trace):
        return Again(untried=("a second and further upgrades: to a relative target each of them would go further",))
    trials = _Trials(ground(lab, trace))
    # The copies of the finished database come first: the roles that the true run made go aside with the race.
    return Again(
        second=trials.made("a second upgrade", second.run) if second.CHECK in wanted else None,
        rerun=trials.made("the revisions run again", rerun.run) if rerun.CHECK in wanted else None,
        race=trials.made("several upgrades at once", _race) if race.CHECK in wanted else None,
        untried=tuple(trials.untried),
    )


@dataclass
class _Trials:
    start: Ground
    untried: list[str] = field(default_factory=list)

    def made(self, what: str, trial: Callable[[Ground], _Result]) -> _Result | None:
        """Return what *trial* finds; that it can't be made is a line of the report, and never costs the verdict."""
        self.start.lab.listener.progress(f"trying {what}")
        try:
            return trial(self.start)
        except (RehearsalError, psycopg2.Error) as error:
            said = str(error).strip().split("\n", 1)[0]
            self.untried.append(f"{what}: {said}")
            return None


def _race(start: Ground) -> Race:
    return race.run(start, start.lab.options.instances)


def _wanted(options: Options) -> set[str]:
    """Return the checks whose trial is asked for: what is off costs nothing."""
    off = {check for check, _, level in (entry.partition("=") for entry in options.severity) if level == "off"}
    graded = {race.CHECK, rerun.CHECK} if options.idempotence != "off" else set()
    if options.instances == 1:
        graded.discard(race.CHECK)
    return {second.CHECK, *graded} - off


def _recorded(lab: Lab, trace: Trace) -> bool:
    """Say whether a new connection sees the version rows that Alembic believes in; else another check says so."""
    rows = {row for table in readback.version_tables_of(lab.admin) for row in table.rows}
    # A command may migrate in several runs; the last one on a table is what it means to leave there.
    tables = ((context.schema, context.version_table) for context in trace.contexts)
    believed = dict(zip(tables, trace.believed, strict=False))
    return not any(context.as_sql for context in trace.contexts) and {*sum(believed.values(), ())} <= rows


def _relative(trace: Trace) -> bool:
    return any("+" in each for context in trace.contexts for each in context.destination)
