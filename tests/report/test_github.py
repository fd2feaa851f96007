"""The report as annotations, read back the way the runner reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest
from hostile import HUGE, SNIPPETS, filled, many, reports
from hypothesis import given, settings
from test_text import FINDING, REPORT

from alembic_rehearsal.model import Location, Report, Severity, Verdict
from alembic_rehearsal.report import github
from alembic_rehearsal.report.look import Look


@dataclass(frozen=True)
class Annotation:
    """One command as the runner understood it."""

    command: str
    properties: dict[str, str]
    message: str


def read(output: str) -> list[Annotation]:
    """Return what the runner makes of *output*; a line that is no annotation fails the test.

    Source: https://github.com/actions/runner, ActionCommand.cs: lines end with CR, LF or both, "::" is looked for
    after blanks, properties are split at "," and at the first "="; an older form, "##[", begins anywhere.
    """
    found = []
    for line in re.split(r"\r\n|\r|\n", output.removesuffix("\n")):
        match = re.fullmatch(r"::(error|warning|notice) (.*?)::(.*)", line)
        assert match, line
        assert "##[" not in line
        pairs = dict(pair.split("=", 1) for pair in match[2].split(","))
        found.append(
            Annotation(
                match[1],
                {name: _decoded(value, {"%3A": ":", "%2C": ","}) for name, value in pairs.items()},
                _decoded(match[3], {}),
            )
        )
    return found


def _decoded(text: str, more: dict[str, str]) -> str:
    for code, character in {"%0D": "\r", "%0A": "\n", **more, "%25": "%"}.items():
        text = text.replace(code, character)
    return text


def test_the_verdict_comes_first_and_findings_stand_at_their_line() -> None:
    """An annotation without a file for the verdict, one at the revision's line for the failure."""
    verdict, finding = read(github.render(REPORT, Look()))

    assert verdict.properties == {"title": "alembic-rehearsal: blocked"}
    assert verdict.message.splitlines()[0] == "BLOCKED: 1 failure that production would have had (exit 1)"
    assert "Production would stay at z51" in verdict.message
    assert finding.command == "error"
    assert finding.properties == {
        "file": "migrations/versions/z52.py",
        "line": "18",
        "title": "upgrade-failed in revision z52",
    }
    assert finding.message.startswith(FINDING.message)
    assert finding.message.endswith("Fix (not tried):\n    op.create_table(..., if_not_exists=True)")


def test_a_file_is_named_from_the_root_of_the_repository() -> None:
    """With the project in a folder, the annotation still attaches to the pull request's file."""
    finding = read(github.render(REPORT, Look(prefix="services/api")))[1]

    assert finding.properties["file"] == "services/api/migrations/versions/z52.py"


@pytest.mark.parametrize("path", ["/usr/lib/python3/site-packages/lib/versions/a.py", "../elsewhere/a.py", ""])
def test_a_file_outside_of_the_repository_is_not_named(path: str) -> None:
    """No property is better than one that is empty or that points to nothing; the line goes with it."""
    odd = replace(REPORT, findings=(replace(FINDING, location=Location(path, 3)),))

    assert read(github.render(odd, Look()))[1].properties == {"title": "upgrade-failed in revision z52"}


def test_no_more_than_ten_of_a_kind_and_the_rest_is_counted() -> None:
    """The verdict is one of the ten errors; warnings and notices have ten of their own."""
    found = (*many(12), *many(11, Severity.WARNING), *many(10, Severity.NOTE), *many(1, Severity.UNPROVED))

    shown = read(github.render(replace(REPORT, findings=found), Look()))

    kinds = [each.command for each in shown]
    assert {kind: kinds.count(kind) for kind in kinds} == {"error": 10, "warning": 10, "notice": 10}
    assert "4 errors, 1 warning are in the other reports only" in shown[0].message


@pytest.mark.parametrize(
    ("verdict", "command"), [(Verdict.PASS, "notice"), (Verdict.BLOCKED, "error"), (Verdict.NO_VERDICT, "error")]
)
def test_only_a_pass_is_a_notice(verdict: Verdict, command: str) -> None:
    """No verdict is as red as a failure."""
    [shown] = read(github.render(replace(REPORT, verdict=verdict, findings=()), Look()))

    assert shown.command == command


def test_signs_of_the_protocol_arrive_as_they_were() -> None:
    """Percent, ends of lines, colons and commas survive the way there and back."""
    odd = replace(
        FINDING, message="100% of a:b,c%0A\nnext", revision="a,b:c=d%", evidence=(), sql="", fix="", folded=()
    )

    finding = read(github.render(replace(REPORT, findings=(odd,)), Look()))[1]

    assert finding.message == "100% of a:b,c%0A\nnext"
    assert finding.properties["title"] == "upgrade-failed in revision a,b:c=d%"


@pytest.mark.parametrize("text", [*SNIPPETS, HUGE])
def test_no_text_begins_a_command(text: str) -> None:
    """Hostile texts stay within the message that they are in, whose length the runner doesn't cut."""
    report = filled(text)

    shown = read(github.render(report, Look()))

    assert len(shown) == 4
    for each in shown:
        assert not re.search(r"^\s*::", each.message, re.MULTILINE)
        assert len(each.message.encode("utf-16-le")) <= 2 * 4096


@settings(deadline=None)
@given(report=reports)
def test_every_line_is_one_of_ours(report: Report) -> None:
    """Whatever the texts are, there is the verdict and one line a finding, and all of it is UTF-8."""
    output = github.render(report, Look())

    output.encode()
    assert len(read(output)) == 1 + len(report.findings)
