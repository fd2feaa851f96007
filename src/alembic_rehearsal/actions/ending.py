"""How a step ends: reports, outputs, summary, annotations, comment, none of which contradicts the exit status."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic_rehearsal import compose
from alembic_rehearsal.actions import comment, inputs, outputs
from alembic_rehearsal.errors import RehearsalError
from alembic_rehearsal.model import Report
from alembic_rehearsal.report import FORMATS, reporter
from alembic_rehearsal.report.look import Look

TITLE = "alembic-rehearsal"
_NO_VERDICT = 3


@dataclass(frozen=True, slots=True)
class Ending:
    """What a step has to say at its end, and where.

    Attributes:
        environ: the variables of the job.
        folder: of the step's own, for reports that no file was named for.
    """

    log: outputs.Log
    environ: Mapping[str, str]
    workspace: Path
    asked: inputs.Inputs
    folder: Path

    def reports(self, private: Path) -> list[tuple[str, Path]]:
        """Return format and place of what the rehearsal has to write; what this process reads is in *private*."""
        own = ("json", "markdown", "github", *(("comment",) if self.asked.comment else ()))
        return [*self._public(), *((name, private / name) for name in own if name in FORMATS)]

    def _public(self) -> list[tuple[str, Path]]:
        """Return format and place of the reports that the job's later steps may read."""
        asked = [*self.asked.reports, *((name, "") for name in ("json", "markdown"))]
        found: dict[Path, str] = {}
        for name, file in asked:
            if name == "text" and not file:
                continue
            place = self.workspace / file if file else self.folder / inputs.file_name(name)
            found.setdefault(place, name)
        return [(name, place) for place, name in found.items()]

    def conclude(self, status: int, tail: str, private: Path) -> int:
        """Tell what the rehearsal found, of which *private* has the reports, and return the exit status.

        Args:
            status: of the rehearsal's process.
            tail: the last that it wrote.
        """
        if status < 0:
            tail += f"\nThe rehearsal was ended by {signal.Signals(-status).name}"
            status = _NO_VERDICT
        try:
            report = json.loads((private / "json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            error = RehearsalError(tail.strip() or f"exit status {status}")
            return self.without_verdict(error, status or _NO_VERDICT)
        if report["exit_status"] != status:
            # It may have ended while it wrote the reports: two that contradict each other prove nothing.
            said = f"the rehearsal ended with status {status} after it had written the verdict {report['verdict']!r}"
            return self.without_verdict(RehearsalError(f"{said}\n{tail}"))
        self._tell(report, (private / "markdown").read_text(encoding="utf-8"))
        self.log.annotations((private / "github").read_text(encoding="utf-8"))
        if self.asked.comment:
            self._comment((private / "comment").read_text(encoding="utf-8"))
        return status

    def without_verdict(self, error: RehearsalError, status: int = 0) -> int:
        """Say everywhere that there is no verdict: what an earlier run left would be taken for this one's."""
        self.log.command("error", "\n".join(filter(None, [str(error), error.fix])), title=TITLE)
        report = self.write(error)
        if self.asked.comment:
            self._comment(reporter("comment")(report, Look()))
        return status or error.exit_status

    def write(self, error: RehearsalError) -> Report:
        """Write the reports, outputs and the summary of a step that *error* ended."""
        report = compose.without_verdict(error)
        for name, place in self._public():
            if name not in FORMATS:
                continue
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(reporter(name)(report, Look()).encode("utf-8", "backslashreplace"))
            except OSError as refused:
                self.log.command("warning", f"the report {name} can't be written: {refused}", title=TITLE)
        self._tell(json.loads(reporter("json")(report, Look())), reporter("markdown")(report, Look()))
        return report

    def _tell(self, report: Mapping[str, Any], summary: str) -> None:
        """Tell the job's other steps, and whoever looks at its summary."""
        values = outputs.of_report(report)
        for name, place in self._public():
            values.setdefault(f"report-{name}", outputs.on_host(place, self.environ))
        outputs.set_outputs(self.environ, values)
        outputs.add_summary(self.environ, summary)

    def _comment(self, text: str) -> None:
        asked = self.asked
        told = comment.post(text, environ=self.environ, token=asked.token, project=asked.project, variant=asked.variant)
        if told.kind:
            self.log.command(told.kind, told.text, title=TITLE)
