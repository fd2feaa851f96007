"""What is written for the runner, and what its reader makes of it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from fix_runner import obeyed, outputs_in

from alembic_rehearsal.actions import outputs

HOSTILE = "a\r\n::error::forged\n##[error]forged\r::add-mask::a\n%0A::set-output name=verdict::pass"


def test_a_commands_text_stays_its_text() -> None:
    """Line ends, percent signs, colons and commas survive the way, and begin nothing."""
    stream = io.BytesIO()
    outputs.Log(stream).command("error", HOSTILE, title="a,b:c%")

    [command] = obeyed(stream.getvalue().decode())

    assert command.message == HOSTILE
    assert command.properties == {"title": "a,b:c%"}


def test_nothing_is_obeyed_in_what_only_passes_through() -> None:
    """Not even a line that isn't ended before the pause is."""
    stream = io.BytesIO()
    log = outputs.Log(stream)
    with log.uninterpreted("title"):
        log.raw(HOSTILE.encode())
    log.command("notice", "mine")

    assert [(each.name, each.message) for each in obeyed(stream.getvalue().decode())] == [
        ("group", "title"),
        ("endgroup", ""),
        ("notice", "mine"),
    ]


def test_only_annotations_are_passed_on_from_a_reporter() -> None:
    """Whatever else stands in its text isn't a command of ours."""
    stream = io.BytesIO()
    outputs.Log(stream).annotations("::error file=a,line=1::x\n::add-mask::x\n##[error]x\n::notice::y\r::error::z\n")

    assert stream.getvalue() == b"::error file=a,line=1::x\n"


def test_no_value_can_end_itself_and_begin_another(tmp_path: Path) -> None:
    """The delimiter is random."""
    file = tmp_path / "output"
    values = {"failed-revision": "x\nverdict<<E\npass\nE", "verdict": "blocked"}

    outputs.set_outputs({"GITHUB_OUTPUT": str(file)}, values)

    assert outputs_in(file.read_text()) == values


def test_outside_of_a_runner_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitLab and others name no such files."""
    monkeypatch.chdir(tmp_path)
    outputs.set_outputs({}, {"verdict": "pass"})
    outputs.add_summary({}, "text")

    assert list(tmp_path.iterdir()) == []


def test_a_summary_that_is_added_to_stays_below_it_too(tmp_path: Path) -> None:
    """No block of code is left open where it is cut, and a full one gets nothing more."""
    file = tmp_path / "summary"
    file.write_text("of an earlier command\n")

    for _ in range(3):
        outputs.add_summary({"GITHUB_STEP_SUMMARY": str(file)}, "```sql\nx\n```\n````sql\n" + "```\n" * 300_000)

    text = file.read_text()
    assert text.startswith("of an earlier command\n```sql\n")
    assert text.endswith("```\n````\n\nCut here: the runner takes no more than 1 MiB.\n")
    assert 1_000_000 < len(text.encode()) < 1024 * 1024


def test_a_summary_stays_below_what_the_runner_drops(tmp_path: Path) -> None:
    """It is cut at a line's end, and says so."""
    file = tmp_path / "summary"
    outputs.add_summary({"GITHUB_STEP_SUMMARY": str(file)}, "ä line of the summary\n" * 100_000)

    text = file.read_text()
    assert len(text.encode()) < 1024 * 1024
    assert text.endswith("ä line of the summary\n\nCut here: the runner takes no more than 1 MiB.\n")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/github/workspace/reports/a.json", "reports/a.json"),
        ("/github/runner_temp/x/a.json", "/home/ci/work/_temp/x/a.json"),
        ("/tmp/a.json", "/tmp/a.json"),
    ],
)
def test_paths_are_the_hosts(path: str, expected: str) -> None:
    """The job's other steps don't know the container's."""
    environ = {
        "GITHUB_WORKSPACE": "/github/workspace",
        "RUNNER_TEMP": "/github/runner_temp",
        "RUNNER_WORKSPACE": "/home/ci/work/app",
    }

    assert outputs.on_host(Path(path), environ) == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_root_made_is_given_back(tmp_path: Path) -> None:
    """And nothing is that belonged to somebody already, nor what a link points to."""
    outside, place = tmp_path / "outside", tmp_path / "work"
    outside.touch()
    (place / "reports").mkdir(parents=True)
    (place / "reports" / "a.json").touch()
    (place / "theirs").touch()
    (place / "link").symlink_to(outside)
    os.chown(place, 1001, 1001)
    os.chown(place / "theirs", 1002, 1002)

    outputs.give_back(place, place)

    assert (place / "reports" / "a.json").stat().st_uid == 1001
    assert (place / "reports").stat().st_uid == 1001
    assert (place / "theirs").stat().st_uid == 1002
    assert outside.stat().st_uid == 0
