"""The command line as a step of a job, without the action: what it prints is the job's log."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from fix_runner import obeyed
from test_hostile import FORGED
from test_step import A1, DUMP

from alembic_rehearsal import unobeyed
from fix_projects import ENV, revision, run_tool, write_project

SHOUT = f'import sys\nprint("{FORGED}")\nprint("{FORGED}", file=sys.stderr, flush=True)\n'
BODY = f"""op.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION '{"word " * 14} ::error ::{FORGED}'; END $$ -- {FORGED}"))"""
JOB = {"GITHUB_ACTIONS": "true"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = write_project(tmp_path / "project", {"a1": A1, "b2": "pass"}, env=SHOUT + ENV.format(configure=""))
    message = revision("b2", "a1", BODY).replace('"""b2"""', f'"""{FORGED}"""')
    (folder / "migrations" / "versions" / "b2.py").write_text(message)
    (folder / "production.sql").write_text(DUMP.format(major=17))
    return folder


@pytest.mark.parametrize("form", ["text", "markdown", "comment", "json", "sarif", "gitlab", "junit"])
def test_nothing_that_is_printed_is_obeyed(project: Path, form: str) -> None:
    """Neither the report nor, with --verbose, what the command itself prints; a format stays what it is."""
    flags = ("--dump", "production.sql", "--no-remedies", "--verbose", "--format", form)

    done = run_tool("run", *flags, cwd=project, env=JOB)

    assert done.status == 1, done.stderr
    assert "forged" in done.stdout
    assert "forged" in done.stderr
    assert list(obeyed(done.stdout)) == []
    assert list(obeyed(done.stderr)) == []
    if form in ("json", "sarif", "gitlab"):
        assert "##[error]forged" in json.dumps(json.loads(done.stdout))
    if form == "junit":
        assert "##[error]forged" in "".join(ET.fromstring(done.stdout).itertext())


def test_annotations_are_obeyed(project: Path) -> None:
    """They are what that format is for."""
    done = run_tool("run", "--dump", "production.sql", "--no-remedies", "--format", "github", cwd=project, env=JOB)

    assert {each.name for each in obeyed(done.stdout)} == {"error"}


def test_text_annotations_and_the_summary_in_one_run(project: Path, tmp_path: Path) -> None:
    """As the workflows have it that need no action: the text is to be read, and the annotations alone are obeyed."""
    summary = tmp_path / "summary"
    summary.write_text("of an earlier command\n")
    flags = ("--format", "markdown", "--output", str(summary), "--format", "text", "--format", "github", "--verbose")

    done = run_tool(
        "run",
        *("--dump", "production.sql", "--no-remedies", *flags),
        cwd=project,
        env={**JOB, "GITHUB_STEP_SUMMARY": str(summary)},
    )

    commands = list(obeyed(done.stdout))
    assert done.status == 1, done.stderr
    assert [each.name for each in commands] == ["error", "error"]
    assert [each.properties.get("file") for each in commands] == [None, "migrations/versions/b2.py"]
    assert "BLOCKED: 1 failure that production would have had (exit 1)\n::error " in done.stdout
    assert list(obeyed(done.stderr)) == []
    assert summary.read_text().startswith("of an earlier command\n<!-- alembic-rehearsal -->\n\n## ")


def test_elsewhere_the_report_is_as_it_was(project: Path) -> None:
    """A terminal obeys nothing."""
    flags = ("--dump", "production.sql", "--no-remedies")
    done = run_tool("run", *flags, cwd=project, env={"GITHUB_ACTIONS": ""})

    assert "##[error]forged" in done.stdout


def test_wrong_usage_repeats_nothing_that_is_obeyed(tmp_path: Path) -> None:
    """A branch's name, for instance, that a workflow hands on."""
    done = run_tool("run", "--dump", "x", "--timeout", "##[error]forged", cwd=tmp_path, env=JOB)

    assert done.status == 2
    assert "forged" in done.stderr
    assert list(obeyed(done.stderr)) == []


def test_a_command_in_two_pieces_is_none() -> None:
    """The command's output is read as it comes."""
    lines: list[str] = []
    through = unobeyed.Lines(lambda text: lines.append(unobeyed.unobeyed(text)))
    for piece in ("a\n:", ":error::x\n#", "#[error]y", "\r", "\n::error::z"):
        through(piece)
    through.close()

    assert list(obeyed("".join(lines))) == []
    assert "".join(lines) == "a\n: :error::x\n## [error]y\r\n: :error::z"
