"""The report as JUnit XML."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hostile import HUGE, SNIPPETS, filled, reports
from hypothesis import given, settings
from test_text import FINDING, REPORT

from alembic_rehearsal.model import Report, RevisionLine, Severity, Verdict
from alembic_rehearsal.report import junit
from alembic_rehearsal.report.look import Look

# What Jenkins's junit-10.xsd asks of each element: its attributes (those in capitals have to be there), its children.
ELEMENTS = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"NAME", "TESTS", "FAILURES", "ERRORS", "skipped", "time"}, {"testcase"}),
    "testcase": ({"NAME", "time", "classname"}, {"skipped", "error", "failure"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
}


def suite(report: Report) -> ET.Element:
    """Return the one suite of the rendered *report*, checked against the format."""
    root = ET.fromstring(junit.render(report, Look()).encode())
    for element in root.iter():
        attributes, children = ELEMENTS[element.tag]
        assert set(element.attrib) <= {name.lower() for name in attributes}
        assert {name.lower() for name in attributes if name.isupper()} <= set(element.attrib)
        assert {child.tag for child in element} <= children
        if element.tag in ("testsuite", "testcase"):
            assert re.fullmatch(r"[0-9]+\.[0-9]{3}", element.attrib["time"])
    assert root.tag == "testsuites"
    [found] = root
    cases = list(found)
    names = [case.attrib["name"] for case in cases]
    assert len(set(names)) == len(names) == int(found.attrib["tests"]) == len(report.revisions) + 1
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(found.attrib[attribute]) == len(found.findall(f"testcase/{tag}"))
    return found


def outcomes(report: Report) -> dict[str, str]:
    """Return name -> "passed", "failure", "error" or "skipped"."""
    return {case.attrib["name"]: case[0].tag if len(case) else "passed" for case in suite(report)}


def test_one_case_a_revision_and_one_for_the_verdict() -> None:
    """Applied is passed, failed and half-applied have failed, the others are skipped."""
    found = (
        RevisionLine("a", "first", "rolled back", None),
        RevisionLine("b", "", "applied", 12.0),
        RevisionLine("z52", "", "failed", None),
        RevisionLine("c", "", "half-applied", None),
        RevisionLine("d", "", "not reached", None),
    )

    assert outcomes(replace(REPORT, revisions=found)) == {
        "revision a: first": "skipped",
        "revision b": "passed",
        "revision z52": "failure",
        "revision c": "failure",
        "revision d": "skipped",
        "verdict": "failure",
    }


def test_a_revision_that_only_the_survey_saw_failing_has_failed() -> None:
    """It was not reached in the true run, and would fail all the same."""
    seen = replace(FINDING, revision="z53", conditional_on=True)
    lines = (RevisionLine("z53", "", "not reached", None), RevisionLine("z54", "", "not reached", None))
    report = replace(REPORT, revisions=lines, findings=(FINDING, seen))

    assert outcomes(report) == {"revision z53": "failure", "revision z54": "skipped", "verdict": "failure"}


def test_no_verdict_is_an_error_and_a_pass_is_nothing() -> None:
    """What withholds the verdict is not a failure of the migration's, and it is not a pass."""
    unproved = replace(FINDING, severity=Severity.UNPROVED)
    lines = (RevisionLine("z52", "", "failed", None),)
    report = replace(REPORT, verdict=Verdict.NO_VERDICT, revisions=lines, findings=(unproved,))

    assert outcomes(report) == {"revision z52": "error", "verdict": "error"}
    assert outcomes(replace(REPORT, verdict=Verdict.PASS, revisions=(), findings=())) == {"verdict": "passed"}


def test_a_failure_says_what_and_where() -> None:
    """The message is the finding's; the text has its place, SQL and fix."""
    failure = suite(REPORT).find("testcase/failure")

    assert failure is not None
    assert failure.attrib == {"type": "upgrade-failed", "message": FINDING.message}
    for part in ("error[upgrade-failed] migrations/versions/z52.py:18 in upgrade()", "CREATE TABLE", "if_not_exists"):
        assert part in (failure.text or "")


def test_the_verdict_has_every_finding() -> None:
    """A finding of no pending revision is told somewhere, too."""
    elsewhere = replace(FINDING, revision="", message="a failure of env.py")
    problem = suite(replace(REPORT, findings=(elsewhere,))).find("testcase[@name='verdict']/failure")

    assert problem is not None
    assert "a failure of env.py" in (problem.text or "")


def test_names_are_unique() -> None:
    """GitLab leaves out the second of two cases with one name."""
    lines = tuple(RevisionLine(name, "", "applied", 1.0) for name in ("a", "a", "a (2)", "x" * 900, "x" * 901))

    suite(replace(REPORT, revisions=lines))


@pytest.mark.parametrize("text", [*SNIPPETS, HUGE])
def test_hostile_text_is_text(text: str) -> None:
    """No character that XML forbids, no element out of a message."""
    suite(filled(text))


@settings(deadline=None)
@given(report=reports)
def test_any_report_parses(report: Report) -> None:
    """In UTF-8, with counts that are right."""
    suite(report)
