"""How a step ends whose rehearsal didn't end as its report says."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from fix_runner import obeyed, outputs_in

from alembic_rehearsal import action, cli
from alembic_rehearsal.actions import inputs
from alembic_rehearsal.actions.ending import Ending
from alembic_rehearsal.actions.outputs import Log
from alembic_rehearsal.model import Report, Verdict
from alembic_rehearsal.report import reporter
from alembic_rehearsal.report.look import Look

PASSED = Report(Verdict.PASS, (), "", None, None, None, kernel_guard=True)


@pytest.mark.parametrize(
    ("status", "cut", "ends"), [(0, None, 0), (3, None, 3), (-9, None, 3), (1, None, 3), (0, 40, 3), (2, 0, 2)]
)
def test_a_status_that_contradicts_the_report_is_no_verdict(
    tmp_path: Path, status: int, cut: int | None, ends: int
) -> None:
    """A fault, or the end by a signal, after the report was written: nothing says "pass" then."""
    private = tmp_path / "private"
    private.mkdir()
    for name in ("json", "markdown", "github"):
        (private / name).write_text(reporter(name)(PASSED, Look())[:cut])
    environ = {
        "INPUT_DUMP": "production.sql",
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "GITHUB_WORKSPACE": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    log, own = io.BytesIO(), tmp_path / "own"

    ending = Ending(Log(log), environ, tmp_path, inputs.read(environ, cli.run), own)
    ended = ending.conclude(status, "the last words", private)

    verdict = "no verdict" if ends else "pass"
    told = outputs_in((tmp_path / "output").read_text())
    assert (ended, told["verdict"]) == (ends, verdict)
    if ends:
        assert json.loads((tmp_path / told["report-json"]).read_text())["verdict"] == verdict
    assert f"{verdict.upper()}: " in (tmp_path / "summary").read_text()
    assert [each.name for each in obeyed(log.getvalue().decode())] == ["error" if ends else "notice"]


def test_a_fault_of_the_actions_own_is_told_in_the_reports_without_its_words(tmp_path: Path) -> None:
    """A traceback may hold a secret, which is masked in the log and nowhere else."""
    # A file stands where the environment's folder is to be made.
    (tmp_path / "pyproject.toml").write_text("[project]")
    (tmp_path / "cache").touch()
    environ = {
        "INPUT_DUMP": "production.sql",
        "INPUT_CACHE-DIRECTORY": "cache",
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "GITHUB_WORKSPACE": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    log = io.BytesIO()

    ended = action.Step(Log(log), environ, tmp_path).run()

    summary = (tmp_path / "summary").read_text()
    assert (ended, outputs_in((tmp_path / "output").read_text())["verdict"]) == (3, "no verdict")
    assert "Traceback" in log.getvalue().decode()
    assert "a fault of alembic-rehearsal itself (" in summary
    assert "Traceback" not in summary
