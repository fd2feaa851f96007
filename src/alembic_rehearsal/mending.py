"""Has remedies tried when an upgrade fails, and sees to it that a trial never costs the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from alembic_rehearsal import project as projects
from alembic_rehearsal.checks import _graph
from alembic_rehearsal.history import building
from alembic_rehearsal.lab import Lab
from alembic_rehearsal.model import Evidence, Finding, Severity, Trace


def without_survey(trace: Trace) -> str:
    """Return why the history can't be built although no revision failed, "" where there is nothing to be tried."""
    if _graph.twice(trace.scripts) and trace.contexts:
        return "an id stands in two revision files, and only one of them runs"
    stopped = trace.exit_status and not trace.steps
    return "the revisions have several heads" if stopped and any(len(c.heads) > 1 for c in trace.contexts) else ""


def _are_here(findings: tuple[Finding, ...], checkout: Path) -> bool:
    places = (finding.location for finding in findings if finding.severity is Severity.ERROR)
    return all(Path(checkout, place.path).is_file() for place in places if place is not None)


def mended(findings: tuple[Finding, ...], evidence: Evidence, lab: Lab) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return *findings* with what was tried against them, and notes for the report."""
    options = lab.options
    if not (options.remedies and options.from_base) or evidence.surveyed is None:
        return findings, ()
    if evidence.project.image is not None and not _are_here(findings, Path(evidence.project.checkout)):
        return findings, ("no remedy was tried: the image's revisions are not in this directory",)
    if options.target not in ("head", "heads"):
        return findings, (
            f"no remedy was tried: what {options.target} should leave is not known, only what the heads do",
        )
    from alembic_rehearsal import remedies  # what edits Python files takes its time to import

    lab.listener.progress("trying remedies")
    target = projects.find(replace(options, target="heads"), lab.environ)

    def begin(overlay: Mapping[str, Path], directory: Path) -> AbstractContextManager[building.Builder]:
        return building.begin(target, lab, directory, overlay=overlay)

    with lab.clock.step("remedies"):
        try:
            return remedies.tried(findings, evidence, remedies.Bench(lab, lab.directory, begin)), ()
        except Exception as error:  # noqa: BLE001
            # A revision may be written in a way that nobody has thought of. The failures that were found stand.
            said = str(error).strip().split("\n", 1)[0]
            return findings, (f"no remedy was tried, for a fault of the tool's own: {type(error).__name__}: {said}",)
