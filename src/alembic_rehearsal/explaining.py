"""What is looked into after the true run, so that causes can be named: survey, history, both schemas."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from alembic_rehearsal import catalog, causes, lineage, mending
from alembic_rehearsal import project as projects
from alembic_rehearsal.catalog import Facts, uses
from alembic_rehearsal.checks import skipped_silently
from alembic_rehearsal.history import History, alone, building
from alembic_rehearsal.lab import PRISTINE, Lab
from alembic_rehearsal.model import Trace


@dataclass(frozen=True, slots=True)
class Explained:
    """As the fields of `Evidence` of the same names; all None after a run that needs no explanation."""

    survey: Trace | None = None
    history: History | None = None
    alone: History | None = None
    production: Facts | None = None
    surveyed: Facts | None = None
    upgraded: Facts | None = None


def explain(lab: Lab, trace: Trace, directory: Path) -> Explained:
    """Look into what *trace* leaves open.

    Args:
        directory: new directory for the build from base.

    Raises:
        RehearsalError: the server refuses.
    """
    if _failed(trace):
        return _of_failure(lab, directory)
    if why := mending.without_survey(trace):
        production = catalog.read(lab.admin_of(PRISTINE))
        history = History((), complete=False, why=why)
        return Explained(history=history, production=production, surveyed=production)
    if trace.exit_status == 0 and skipped_silently.notices(trace):
        with _from_base(lab, directory) as builder, lab.clock.step("from base"):
            history = builder.finish()
        return Explained(history=history, upgraded=catalog.read(lab.admin))
    return Explained()


def _of_failure(lab: Lab, directory: Path) -> Explained:
    # What the revisions make of an empty database is built beside the survey: the two don't share a server.
    with _from_base(lab, directory) as builder:
        lab.fresh("survey")
        survey = lab.run("survey", mode="survey")
        with lab.clock.step("from base"):
            history = builder.finish()
    pristine = lab.admin_of(PRISTINE)
    production, surveyed = replace(catalog.read(pristine), uses=uses.read(pristine)), catalog.read(lab.admin)
    look = lab.options.from_base and not history.complete
    in_the_way = causes.in_the_way(survey, production) if look else ()
    made = alone.build(lab, in_the_way) if in_the_way else None
    return Explained(survey, history, made, production, surveyed)


def _from_base(lab: Lab, directory: Path) -> AbstractContextManager[building.Builder]:
    if not lab.options.from_base:
        return contextlib.nullcontext(building.Known(History((), complete=False, why="it was not asked for")))
    target = projects.find(replace(lab.options, target="heads"), lab.environ)
    return building.begin(target, lab, directory)


def _failed(trace: Trace) -> bool:
    """Say whether the true run came to its end with a revision that failed."""
    return (
        trace.exit_status is not None and bool(trace.steps) and bool(trace.exit_status or lineage.failed(trace.steps))
    )
