"""The report as JUnit XML: one test case for each pending revision, and one for the verdict.

The format has no owner; this keeps to what Jenkins's schema (junit-10.xsd) and GitLab have in common.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from alembic_rehearsal.model import Finding, Report, RevisionLine, Severity, Verdict
from alembic_rehearsal.report import _body, _words
from alembic_rehearsal.report._clean import cleaned, one_line
from alembic_rehearsal.report.look import Look

_SUITE = "alembic-rehearsal"
_MOST_NAME, _MOST_MESSAGE, _MOST_LINES = 200, 500, 200
_SKIPPED = {
    "not reached": "not reached",
    "rolled back": "ran, and was rolled back with what failed after it",
}
_TAG = {Severity.ERROR: "failure", Severity.UNPROVED: "error"}


def render(report: Report, look: Look) -> str:
    """Return one test suite; *look* changes nothing in it."""
    del look
    suite = ET.Element("testsuite", name=_SUITE)
    names: set[str] = set()
    for line in report.revisions:
        about = [each for each in report.findings if each.revision == line.revision]
        _add_revision(suite, line, about, names)
    _add_verdict(suite, report)
    cases = list(suite)
    counts = {tag: sum(case.find(tag) is not None for case in cases) for tag in ("failure", "error", "skipped")}
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    suite.set("skipped", str(counts["skipped"]))
    suite.set("time", _seconds(sum(report.timings.values())))
    root = ET.Element("testsuites", name=_SUITE)
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_revision(suite: ET.Element, line: RevisionLine, about: list[Finding], names: set[str]) -> None:
    """Add the case of *line*: a revision that the survey saw failing has failed, whether the true run reached it."""
    name = _unique(one_line(f"revision {line.revision}{': ' * bool(line.message)}{line.message}", _MOST_NAME), names)
    case = _case(suite, name, (line.duration_ms or 0) / 1000)
    grave = [each for each in about if each.severity in _TAG]
    if grave:
        _add(case, _TAG[grave[0].severity], grave[0].check, grave[0].message, map(_told, grave))
    elif line.outcome in _SKIPPED:
        ET.SubElement(case, "skipped", message=_SKIPPED[line.outcome])
    elif line.outcome != "applied":
        _add(case, "failure", line.outcome, f"the revision is {line.outcome}", ())


def _unique(name: str, taken: set[str]) -> str:
    """Return *name*, with a number behind it if it is taken: GitLab counts one case of a name only."""
    candidates = (name, *(f"{name} ({number})" for number in range(2, len(taken) + 3)))
    free = next(each for each in candidates if each not in taken)
    taken.add(free)
    return free


def _add_verdict(suite: ET.Element, report: Report) -> None:
    case = _case(suite, "verdict", 0)
    if report.verdict is Verdict.PASS:
        return
    tag = "failure" if report.verdict is Verdict.BLOCKED else "error"
    said = (*report.state_left, *map(_told, report.findings))
    _add(case, tag, report.verdict.value, _words.verdict(report), said)


def _told(finding: Finding) -> str:
    head = f"{finding.severity.value}[{finding.check}]"
    return f"{head} {_words.place(finding.location) if finding.location else ''}".rstrip() + f"\n{_body.body(finding)}"


def _case(suite: ET.Element, name: str, seconds: float) -> ET.Element:
    return ET.SubElement(suite, "testcase", name=name, classname=_SUITE, time=_seconds(seconds))


def _add(case: ET.Element, tag: str, kind: str, message: str, lines: Iterable[str]) -> None:
    problem = ET.SubElement(case, tag, type=kind, message=one_line(message, _MOST_MESSAGE))
    shown = list(lines)
    if len(shown) > _MOST_LINES:
        shown[_MOST_LINES:] = [f"and {len(shown) - _MOST_LINES} more"]
    problem.text = cleaned("\n\n".join(cleaned(line, 12_000) for line in shown), 1_000_000)


def _seconds(value: float) -> str:
    return f"{value:.3f}"
