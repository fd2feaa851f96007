"""Carries a remedy out: on a copy of production's schema, and on an empty database, and judges what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2

from alembic_rehearsal import catalog, lineage, versions
from alembic_rehearsal.catalog import Facts
from alembic_rehearsal.errors import RehearsalError
from alembic_rehearsal.history import History
from alembic_rehearsal.history.building import Builder
from alembic_rehearsal.lab import Lab
from alembic_rehearsal.model import Evidence, Trace, Trial
from alembic_rehearsal.remedies import _judge, source
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


@dataclass(frozen=True, slots=True)
class _Left:
    """What a remedy left of production's schema.

    Attributes:
        fault: why it did not go through, "" if it did.
        doubtful: the fault is none that the server told, nor one of the schema.
        after: the schema, of one that went through.
        judged: None where there is no history to judge by.
    """

    fault: str = ""
    doubtful: bool = False
    after: Facts | None = None
    judged: _judge.Judged | None = None


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
        original = Path(evidence.project.checkout, edit.path)
        replacement = folder / f"{number}.py"
        text = edit.after
        replacement.write_bytes(source.read(original).encoded(text) if edit.before else text.encode())
        files[str(original)] = replacement
    return files


def _on_production(
    proposal: Proposal, problem: Problem, bench: Bench, name: str, overlay: Mapping[str, Path], builder: Builder | None
) -> tuple[Trial, tuple[str, ...]]:
    lab = bench.lab

    def run() -> _Left:
        return _left(proposal, problem, lab, lab.name(name), overlay)

    # As for a survey: roles of a first try would be in the way of the second.
    left = lab.tried(run, lambda each: each.doubtful, overlay=bool(overlay)) if lab.own else run()
    if left.fault or left.after is None:
        return Trial("failed", reason=left.fault), left.judged.notes if left.judged else ()
    return _on_empty(problem, builder, left.after, left.judged)


def _left(proposal: Proposal, problem: Problem, lab: Lab, name: str, overlay: Mapping[str, Path]) -> _Left:
    lab.fresh(name)
    if proposal.stamp:
        versions.write(lab.admin, lab.restored, (proposal.stamp,))
    trace = lab.run(name, overlay=overlay, timed=False)
    fault = _went_wrong(trace) or _judge.heads(problem.evidence, trace, lab.admin)
    if fault:
        return _Left(fault, doubtful=not _told_by_the_server(trace))
    after = catalog.read(lab.admin)
    judged = _judge.schema(problem, problem.history, after) if problem.history.complete else None
    if judged and judged.fault:
        return _Left(judged.fault, judged=judged)
    again = lab.run(f"{name}-again", overlay=overlay, timed=False)
    fault = _went_wrong(again) or ("a second upgrade runs revisions again" if again.steps else "")
    if fault:
        return _Left(f"once more: {fault}", doubtful=not _told_by_the_server(again), judged=judged)
    return _Left(after=after, judged=judged)


def _on_empty(
    problem: Problem, builder: Builder | None, after: Facts, judged: _judge.Judged | None
) -> tuple[Trial, tuple[str, ...]]:
    """Judge what the remedy makes of an empty database; a stamp leaves the revisions, and what they make, as it was."""
    built = builder.finish() if builder is not None else problem.history
    if not built.complete:
        reason = f"the upgrade passes on {PRODUCTION}; on {EMPTY} it does not, and not without it either: {built.why}"
        if problem.history.complete:
            return Trial("failed", on=(PRODUCTION,), reason=f"on {EMPTY}: {built.why}"), ()
        return Trial("not tried", on=(PRODUCTION,), reason=reason), ()
    if judged is None:
        judged = _judge.schema(problem, built, after)
        note = f"without it the history does not run from base: {problem.history.why}"
        fault = f"compared with {EMPTY}, {judged.fault}" if judged.fault else ""
        judged = _judge.Judged(fault, (note, *judged.notes))
    else:
        judged = replace(judged, fault=_other_schema(built, problem.history))
    if judged.fault:
        return Trial("failed", on=(PRODUCTION,), reason=judged.fault), judged.notes
    return Trial("passed", on=(PRODUCTION, EMPTY)), judged.notes


def _other_schema(built: History, history: History) -> str:
    diff = catalog.difference(built.end(), history.end())
    lines = catalog.sentences(diff, before="with it", after="without it")
    return f"on {EMPTY} it makes another schema: {lines[0]}" if lines else ""


def _told_by_the_server(trace: Trace) -> bool:
    return trace.exit_status is not None and bool(trace.failures) and trace.failures[-1].error is not None


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
