"""Carries a remedy out: on a copy of production's schema, and on an empty database, and judges what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from alembic_rehearsal import catalog, lineage, versions
from alembic_rehearsal.errors import RehearsalError
from alembic_rehearsal.history.building import Builder
from alembic_rehearsal.lab import Lab
from alembic_rehearsal.model import Evidence, Trace, Trial
from alembic_rehearsal.remedies import _judge, _source
from alembic_rehearsal.remedies._problem import Problem
from alembic_rehearsal.remedies._proposal import Proposal

PRODUCTION = "production's schema"
EMPTY = "an empty database"

# Begins a build of the history from base with some of the project's files overlaid; the directory is a new one's.
Begin = Callable[[Mapping[str, Path], Path], AbstractContextManager[Builder]]


@dataclass(frozen=True, slots=True)
class Bench:
    """Where remedies are tried.

    Attributes:
        directory: for the replaced files and the builds from base.
        begin: begins a build from base.
    """

    lab: Lab
    directory: Path
    begin: Begin


def carried_out(proposal: Proposal, problem: Problem, bench: Bench, number: int) -> tuple[Trial, tuple[str, ...]]:
    """Try *proposal* and return what came of it, with notes on what it leaves.

    Args:
        number: of the trial in this run, from 1.
    """
    overlay = _overlay(proposal, problem.evidence, bench.directory / f"files-{number}")
    try:
        if not overlay:
            return _on_production(proposal, problem, bench, f"remedy-{number}", overlay, None)
        with bench.begin(overlay, bench.directory / f"base-{number}") as builder:
            return _on_production(proposal, problem, bench, f"remedy-{number}", overlay, builder)
    except (RehearsalError, psycopg2.Error) as error:
        # A remedy is extra: what keeps it from being tried is no fault of the upgrade.
        return Trial("not tried", reason=str(error).strip().split("\n", 1)[0]), ()


def _overlay(proposal: Proposal, evidence: Evidence, folder: Path) -> dict[str, Path]:
    """Write the new contents beside each other and return them by the path of the file that they stand for."""
    if proposal.edits:
        folder.mkdir(parents=True)
    files = {}
    for number, edit in enumerate(proposal.edits):
        original = Path(evidence.project.root, edit.path)
        replacement = folder / f"{number}.py"
        text = edit.after
        replacement.write_bytes(_source.read(original).encoded(text) if edit.before else text.encode())
        files[str(original)] = replacement
    return files


def _on_production(
    proposal: Proposal, problem: Problem, bench: Bench, name: str, overlay: Mapping[str, Path], builder: Builder | None
) -> tuple[Trial, tuple[str, ...]]:
    lab = bench.lab
    lab.fresh(name)
    if proposal.stamp:
        versions.write(lab.admin, lab.restored, (proposal.stamp,))
    trace = lab.run(name, overlay=overlay)
    fault = _went_wrong(trace) or _judge.heads(problem.evidence, trace, lab.admin)
    if fault:
        return Trial("failed", reason=fault), ()
    judged = _judge.schema(problem, catalog.read(lab.admin))
    if judged.fault:
        return Trial("failed", reason=judged.fault), judged.notes
    again = lab.run(f"{name}-again", overlay=overlay)
    fault = _went_wrong(again) or ("a second upgrade runs revisions again" if again.steps else "")
    if fault:
        return Trial("failed", reason=f"once more: {fault}"), judged.notes
    if builder is None:
        return _without_edit(problem), judged.notes
    return _from_base(problem, builder), judged.notes


def _without_edit(problem: Problem) -> Trial:
    """Return the trial of a stamp: the revisions are as they were, and so is what they make of an empty database."""
    if problem.history.complete:
        return Trial("passed", on=(PRODUCTION, EMPTY))
    return _incomplete(problem)


def _from_base(problem: Problem, builder: Builder) -> Trial:
    if not problem.history.complete:
        return _incomplete(problem)
    built = builder.finish()
    if not built.complete:
        return Trial("failed", on=(PRODUCTION,), reason=f"on {EMPTY}: {built.why}")
    lines = catalog.sentences(
        catalog.difference(built.end(), problem.history.end()), before="with it", after="without it"
    )
    if lines:
        return Trial("failed", on=(PRODUCTION,), reason=f"on {EMPTY} it makes another schema: {lines[0]}")
    return Trial("passed", on=(PRODUCTION, EMPTY))


def _incomplete(problem: Problem) -> Trial:
    return Trial(
        "not tried",
        on=(PRODUCTION,),
        reason=f"the upgrade passes on {PRODUCTION}; on {EMPTY} there is nothing to compare with, since the history "
        f"does not run from base: {problem.history.why}",
    )


def _went_wrong(trace: Trace) -> str:
    """Return why a run did not go through, "" if it did."""
    if trace.exit_status == 0 and not lineage.failed(trace.steps) and trace.contexts and not trace.probe_faults:
        return ""
    if trace.exit_status is None:
        return "it ran out of time"
    failure = trace.failures[-1] if trace.failures else None
    if failure is None:
        return f"the command ended with status {trace.exit_status}"
    revision = f"revision {failure.revision}: " if failure.revision else ""
    if failure.error is not None:
        return f"{revision}SQLSTATE {failure.error.sqlstate}: {failure.error.message}"
    return f"{revision}{failure.text.strip().splitlines()[0] if failure.text.strip() else failure.type}"
