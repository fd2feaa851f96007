"""What is looked into after the true run, so that causes can be named: survey, history, both schemas.

After an upgrade that went through, the history is built only where it can change what is said: where a pending revision
may have done otherwise on production than from base, where IF NOT EXISTS passed over something, where it is asked for
(`--divergence on`) or a baseline is there. Whether an earlier run has left it in the cache never decides.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from alembic_rehearsal import catalog, causes, divergence, lineage, mending
from alembic_rehearsal import project as projects
from alembic_rehearsal.catalog import Facts, uses
from alembic_rehearsal.checks import skipped_silently
from alembic_rehearsal.history import History, alone, building
from alembic_rehearsal.lab import PRISTINE, Lab
from alembic_rehearsal.model import Drift, Options, Trace


@dataclass(frozen=True, slots=True)
class Explained:
    """As the fields of `Evidence` of the same names; all None after a run that needs no explanation."""

    survey: Trace | None = None
    history: History | None = None
    alone: History | None = None
    production: Facts | None = None
    surveyed: Facts | None = None
    upgraded: Facts | None = None
    drift: Drift | None = None


@contextmanager
def ahead(lab: Lab, directory: Path) -> Iterator[building.Builder | None]:
    """Begin the build from base beside the true run, where it is known to be needed; else None.

    Args:
        directory: new directory for the build.
    """
    if not _is_asked_for(lab.options):
        yield None
        return
    with _from_base(lab, directory) as builder:
        yield builder


@contextmanager
def begun(
    lab: Lab, trace: Trace, directory: Path, builder: building.Builder | None
) -> Iterator[Callable[[], Explained]]:
    """Begin to look into what *trace* leaves open, and hand out what waits for the end of it.

    After an upgrade that went through, what is done in between goes on beside the build from base. The database that
    the true run left has to stand under production's name when this is called, not when it ends.

    Args:
        directory: new directory for the build from base, if there is none under way.
        builder: the one that is.

    Raises:
        RehearsalError: the server refuses.
    """
    if trace.exit_status != 0 or _failed(trace) or mending.without_survey(trace):
        yield lambda: _with_drift(lab, trace, _of_failure_or_nothing(lab, trace, directory, builder))
    elif not _base_is_needed(lab, trace):
        yield Explained
    else:
        upgraded, production = catalog.read(lab.admin), catalog.read(lab.admin_of(PRISTINE))
        with nullcontext(builder) if builder else _from_base(lab, directory) as build:
            yield lambda: _of_success(lab, trace, directory, build, production, upgraded)


def _base_is_needed(lab: Lab, trace: Trace) -> bool:
    """Say whether the history is to be built after an upgrade that went through."""
    if skipped_silently.notices(trace):
        return True
    return _is_asked_for(lab.options) or (
        lab.options.from_base and lab.options.divergence == "auto" and divergence.may_differ(trace, lab.target)
    )


def _is_asked_for(options: Options) -> bool:
    """Say whether production is to be compared whatever the pending revisions are."""
    return options.from_base and (options.divergence == "on" or bool(options.baseline and options.divergence == "auto"))


def _of_success(
    lab: Lab, trace: Trace, directory: Path, builder: building.Builder, production: Facts, upgraded: Facts
) -> Explained:
    with lab.clock.step("from base"):
        history = builder.finish()
        if lab.options.divergence == "off" or not lab.options.from_base:
            return Explained(history=history, upgraded=upgraded)
        sides = divergence.Upgraded(trace, lab.target, lab.restored, production, upgraded)
        drift = divergence.compared(sides, history, lab.options.baseline)
        if drift.departures and isinstance(builder, building.Known):
            # A revision may make something else every day; what blocks is not to rest on yesterday's build.
            with _from_base(lab, directory.with_name("from-base-anew"), anew=True) as again:
                history = again.finish()
            drift = divergence.compared(sides, history, lab.options.baseline)
    return Explained(history=history, upgraded=upgraded, production=production, drift=drift)


def _with_drift(lab: Lab, trace: Trace, found: Explained) -> Explained:
    """Return *found* with what differed before an upgrade that failed, where that is asked for."""
    if lab.options.divergence != "on" or found.history is None or found.production is None:
        return found
    sides = divergence.Upgraded(trace, lab.target, lab.restored, found.production, None)
    return replace(found, drift=divergence.compared(sides, found.history))


def _of_failure_or_nothing(lab: Lab, trace: Trace, directory: Path, builder: building.Builder | None) -> Explained:
    if _failed(trace):
        return _of_failure(lab, trace, directory, builder)
    if why := mending.without_survey(trace):
        production = catalog.read(lab.admin_of(PRISTINE))
        history = History((), complete=False, why=why)
        return Explained(history=history, production=production, surveyed=production)
    return Explained()


def _of_failure(lab: Lab, trace: Trace, directory: Path, builder: building.Builder | None) -> Explained:
    # What the revisions make of an empty database is built beside the survey: the two don't share a server.
    with nullcontext(builder) if builder else _from_base(lab, directory) as build:
        survey = _surveyed(lab, trace)
        with lab.clock.step("from base"):
            history = build.finish()
    pristine = lab.admin_of(PRISTINE)
    production, surveyed = replace(catalog.read(pristine), uses=uses.read(pristine)), catalog.read(lab.admin)
    look = lab.options.from_base and not history.complete
    in_the_way = causes.in_the_way(survey, production) if look else ()
    made = alone.build(lab, in_the_way) if in_the_way else None
    return Explained(survey, history, made, production, surveyed)


def _surveyed(lab: Lab, trace: Trace) -> Trace:
    """Return what a survey does, which begins at the first connection of the true run's where that is possible.

    It is believed there if it meets what the true run met, and nothing but the server hinders it.
    """

    def run() -> Trace:
        name = lab.name("survey")
        lab.fresh(name)
        with lab.step("survey"):
            return lab.run(name, mode="survey", timed=False)

    # What could not be believed is done once more, and for that the roles of the first must be out of the way.
    return lab.tried(run, lambda survey: not _is_believed(survey, trace)) if lab.own else run()


def _is_believed(survey: Trace, trace: Trace) -> bool:
    met, survived = _met(trace), survey.exit_status is not None and survey.exit_status >= 0
    own = {(each.revision, each.text, each.type) for each in survey.failures if each.error is None}
    return survived and bool(survey.steps) and met <= _met(survey) and own <= met


def _met(trace: Trace) -> set[tuple[str, str, str]]:
    failing = ((each.revision, each.sql, each.error.sqlstate) for each in trace.statements if each.error is not None)
    return {*failing, *((each.revision, each.text, each.type) for each in trace.failures if each.error is None)}


def _from_base(lab: Lab, directory: Path, *, anew: bool = False) -> AbstractContextManager[building.Builder]:
    if not lab.options.from_base:
        return contextlib.nullcontext(building.Known(History((), complete=False, why="it was not asked for")))
    target = projects.find(replace(lab.options, target="heads"), lab.environ)
    return building.begin(target, lab, directory, anew=anew)


def _failed(trace: Trace) -> bool:
    """Say whether the true run came to its end with a revision that failed."""
    return (
        trace.exit_status is not None and bool(trace.steps) and bool(trace.exit_status or lineage.failed(trace.steps))
    )
