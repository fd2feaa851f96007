"""The report as GitHub-flavoured Markdown: a job's summary, a comment, a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alembic_rehearsal.model import Finding, Report, RevisionLine, Severity, Verdict
from alembic_rehearsal.report import _words
from alembic_rehearsal.report._folded import folded
from alembic_rehearsal.report._graph import graph
from alembic_rehearsal.report._markup import code, fence, inline
from alembic_rehearsal.report._page import Page
from alembic_rehearsal.report.look import Look

# By this a later run finds the comment of an earlier one.
MARKER = "<!-- alembic-rehearsal -->"
_SIGN = {Verdict.PASS: "✅", Verdict.BLOCKED: "❌", Verdict.NO_VERDICT: "❔"}
_FINDINGS = {Verdict.BLOCKED: "What production would have said", Verdict.NO_VERDICT: "Why there is no verdict"}
# Characters of a single text, and numbers of texts: no finding can fill the page.
_MESSAGE, _LINE, _SQL, _FIX, _ID = 2000, 500, 4000, 4000, 120
_LINES, _ROWS = 20, 100
_LEAST_S = 0.05
# The part of the page that the findings may fill.
_FINDINGS_SHARE = 0.7


def render(report: Report, look: Look) -> str:
    """Return a page of at most `look.most_bytes` bytes; what doesn't fit is counted, never cut within."""
    page = Page(look.most_bytes)
    page.add(f"{MARKER}\n\n## {_SIGN[report.verdict]} {inline(_words.verdict(report), _LINE)}\n\n")
    if not look.quiet:
        _add_table(page, ("", ""), ([label, inline(value, _LINE)] for label, value in _words.facts(report)))
        _add_lines(page, "What production would be left with", report.state_left)
    _add_findings(page, report)
    if not look.quiet:
        _add_revisions(page, report)
        _add_lines(page, "What was not tested", report.not_tested)
        _add_lines(page, "Notes", report.notes)
        _add_timings(page, report)
    return page.text()


def _add_findings(page: Page, report: Report) -> None:
    if not report.findings:
        return
    page.add(f"### {_FINDINGS.get(report.verdict, 'Findings')}\n\n")
    findings = folded(report.findings)
    blocks = (_finding(number, finding) for number, finding in enumerate(findings, 1))
    left = len(findings) - page.add_each(blocks, share=_FINDINGS_SHARE)
    if left:
        page.add(f"**{left} more finding{'s' * (left != 1)}** left out: the page has no room for more.\n\n")


def _finding(number: int, finding: Finding) -> str:
    return "".join(f"{part}\n" for part in _parts(number, finding))


def _parts(number: int, finding: Finding) -> Iterator[str]:
    revision = f" in revision {code(finding.revision, _ID)}" if finding.revision else ""
    name = "no verdict" if finding.severity is Severity.UNPROVED else finding.severity.value
    yield f"#### {number}. {name}: {code(finding.check, _ID)}{revision}\n"
    yield f"{inline(finding.message, _MESSAGE)}\n"
    if finding.location is not None:
        yield f"At {code(_words.place(finding.location), _LINE)}\n"
    if finding.evidence:
        yield _list(finding.evidence)
    if why := _words.why(finding):
        yield f"**Why:** {inline(why[0].removeprefix('Why: '), _MESSAGE)}\n"
        yield _list(why[1:])
    if finding.sql:
        yield fence(finding.sql, "sql", _SQL)
    if finding.conditional_on:
        yield "Seen by going on past the failures above.\n"
    if finding.folded:
        yield f"{_words.entailed(finding)}:\n\n{_list(finding.folded)}"
    for label, text, notes in _words.fixes(finding):
        language = "diff" if text.startswith("---") else "text"
        yield f"**{inline(label, _LINE)}**\n" if text else f"{inline(label, _LINE)}\n"
        if text:
            yield fence(text, language, _FIX)
        if notes:
            yield _list(notes)


def _list(lines: tuple[str, ...]) -> str:
    shown = [_item(line) for line in lines[:_LINES]]
    return "".join(shown) + (f"- and {len(lines) - _LINES} more\n" if len(lines) > _LINES else "")


def _item(line: str) -> str:
    shown = inline(line, _LINE)
    # An item without a text would make a heading of the one before it.
    return f"{'  ' * line[:1].isspace()}- {shown}\n" if shown else ""


def _add_lines(page: Page, heading: str, lines: tuple[str, ...]) -> None:
    if lines:
        page.add(f"### {heading}\n\n{_list(lines)}\n")


def _add_revisions(page: Page, report: Report) -> None:
    if not report.revisions:
        return
    page.add(f"### Pending revisions\n\n{graph(report)}\n")
    rows: Iterable[Iterable[str]] = map(_row, report.revisions)
    if len(report.revisions) > _ROWS:
        half, left = _ROWS // 2, len(report.revisions) - _ROWS
        ends = (map(_row, report.revisions[:half]), map(_row, report.revisions[-half:]))
        rows = (*ends[0], ["…", f"{left} more", "", ""], *ends[1])
    _add_table(page, ("revision", "message", "outcome", "ms"), rows)


def _row(line: RevisionLine) -> list[str]:
    took = "" if line.duration_ms is None else f"{line.duration_ms:.0f}"
    return [code(line.revision, _ID), inline(line.message, _LINE // 2), inline(line.outcome, _ID), took]


def _add_timings(page: Page, report: Report) -> None:
    rows = [[inline(step, _ID), f"{seconds:.1f}"] for step, seconds in report.timings.items() if seconds >= _LEAST_S]
    if rows:
        page.add("### Time\n\n")
        _add_table(page, ("step", "s"), rows)


def _add_table(page: Page, head: tuple[str, ...], rows: Iterable[Iterable[str]]) -> None:
    lines = [f"| {' | '.join(row)} |\n" for row in rows]
    if lines:
        page.add(f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n{''.join(lines)}\n")
