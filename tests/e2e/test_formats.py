"""Whatever is written, the exit status is the verdict's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from alembic_rehearsal.report import FORMATS
from fix_projects import run_tool

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "sso_sessions"


@pytest.mark.parametrize(
    ("verdict", "status", "flags"), [("pass", 0, ["--target", "z51"]), ("blocked", 1, []), ("", 3, [])]
)
def test_every_format_of_a_run_has_one_exit_status(verdict: str, status: int, flags: list[str], tmp_path: Path) -> None:
    """All of them in one run: no report is missing, none is empty, and none makes a failure a success."""
    project = Path(shutil.copytree(EXAMPLE, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__")))
    if not verdict:
        (project / "production.sql").write_text("")
    reports = [part for name in FORMATS for part in ("--format", name, "--output", f"out/{name}")]

    done = run_tool("run", "--dump", "production.sql", *flags, *reports, cwd=project)

    assert done.status == status, done.stderr
    assert done.stdout == ""
    written = {name: (project / "out" / name).read_text() for name in FORMATS}
    assert all(len(text) > 2 for text in written.values())
    for name in ("text", "github", "markdown", "comment", "junit"):
        assert (f"(exit {status})" in written[name]) is (name != "junit" or status != 0)


def test_without_a_terminal_the_file_can_not_ask_to_wait(tmp_path: Path) -> None:
    """A job would hang there until its time is over; the flag is the caller's own word."""
    project = Path(shutil.copytree(EXAMPLE, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__")))
    (project / "alembic-rehearsal.yml").write_text("keep: true\n")

    done = run_tool("run", "--dump", "production.sql", "--target", "z51", cwd=project, timeout_s=60)

    assert done.status == 0, done.stderr
    assert done.stderr == "keep is set in the configuration file, and there is no terminal: the server is not kept\n"
