"""The report as annotations of GitHub Actions: one workflow command a line, the verdict first.

Facts of the runner: https://github.com/actions/runner, ActionCommand.cs (how a command is read),
ActionCommandManager.cs (properties), ExecutionContext.cs (limits).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from alembic_rehearsal.model import Finding, Report, Severity, Verdict
from alembic_rehearsal.report import _place, _words
from alembic_rehearsal.report._clean import cleaned, one_line
from alembic_rehearsal.report._folded import folded
from alembic_rehearsal.report.look import Look

_COMMAND = {
    Severity.ERROR: "error",
    Severity.UNPROVED: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
}
# A step gets ten annotations of each kind, and the runner cuts their messages, counting as UTF-16 does.
_MOST_OF_A_KIND = 10
_MOST_UNITS = 4096
# What a part of a message may take, so that a long one doesn't push the fix out.
_MOST_MESSAGE, _MOST_EVIDENCE, _MOST_SQL, _MOST_FIX = 1400, 900, 500, 1000
_MOST_LINE, _MOST_TITLE = 300, 200


def render(report: Report, look: Look) -> str:
    """Return an annotation for the verdict and for the findings that the runner's limits leave room for."""
    lines: list[str] = []
    of_verdict = "notice" if report.verdict is Verdict.PASS else "error"
    shown, hidden = Counter({of_verdict: 1}), Counter[str]()
    for finding in folded(report.findings):
        command = _COMMAND[finding.severity]
        if shown[command] == _MOST_OF_A_KIND:
            hidden[command] += 1
            continue
        shown[command] += 1
        lines.append(_annotation(command, _properties(finding, look), "\n".join(_message(finding))))
    said = (_words.verdict(report), *_hidden(hidden), *report.state_left)
    title = f"alembic-rehearsal: {report.verdict.value}"
    return "".join([_annotation(of_verdict, {"title": title}, "\n".join(said)), *lines])


def _hidden(hidden: Counter[str]) -> Iterator[str]:
    if hidden:
        counted = ", ".join(f"{count} {kind}{'s' * (count != 1)}" for kind, count in hidden.items())
        yield f"More was found than GitHub shows of a step: {counted} are in the other reports only."


def _properties(finding: Finding, look: Look) -> dict[str, str]:
    found = {"file": _place.in_repository(finding.location, look) or ""}
    if found["file"] and finding.location is not None and finding.location.line:
        found["line"] = str(finding.location.line)
    about = f" in revision {finding.revision}" if finding.revision else ""
    found["title"] = one_line(f"{finding.check}{about}", _MOST_TITLE)
    return found


def _message(finding: Finding) -> Iterator[str]:
    yield cleaned(finding.message, _MOST_MESSAGE)
    # What it is, then why: the cause is what the reader does not know yet.
    for lines in (_words.why(finding), finding.evidence):
        if lines:
            yield cleaned("\n".join(cleaned(line, _MOST_LINE) for line in lines[:10]), _MOST_EVIDENCE)
    if finding.conditional_on:
        yield "(seen by going on past the failures above)"
    if finding.folded:
        yield f"{_words.entailed(finding)}: {len(finding.folded)} more"
    if finding.sql:
        yield cleaned(finding.sql, _MOST_SQL)
    for label, code, notes in _words.fixes(finding):
        yield cleaned(label, _MOST_LINE)
        if code:
            yield cleaned(code, _MOST_FIX)
        yield from (cleaned(note, _MOST_LINE) for note in notes)


def _annotation(command: str, properties: dict[str, str], message: str) -> str:
    """Return one line that the runner reads as *command*; it drops properties without a value."""
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{command} {given}::{_data(_cut(_harmless(message)))}\n"


def _harmless(text: str) -> str:
    """Return *text* without what begins a command: "##[" anywhere in a line, the older form, or "::" in front of it."""
    broken = cleaned(text, _MOST_UNITS).replace("##[", "## [")
    return re.sub(r"^(\s*):(?=:)", r"\1: ", broken, flags=re.MULTILINE)


def _cut(text: str) -> str:
    """Return what the runner would leave of *text*, without half a character at its end."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * _MOST_UNITS:
        return text
    return units[: 2 * (_MOST_UNITS - 1)].decode("utf-16-le", errors="ignore") + "\N{HORIZONTAL ELLIPSIS}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(_harmless(text)).replace(":", "%3A").replace(",", "%2C")
