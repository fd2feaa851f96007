"""The report for a terminal or a log: the verdict last, because that is where a failed pipeline is read."""

from __future__ import annotations

import io
import itertools

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alembic_rehearsal.model import Finding, Report, RevisionLine, Severity, Verdict
from alembic_rehearsal.report import _words
from alembic_rehearsal.report._folded import folded
from alembic_rehearsal.report.look import Look

_STYLE = {
    Severity.ERROR: "bold red",
    Severity.UNPROVED: "bold magenta",
    Severity.WARNING: "bold yellow",
    Severity.NOTE: "bold cyan",
}
_VERDICT_STYLE = {Verdict.PASS: "bold green", Verdict.BLOCKED: "bold red", Verdict.NO_VERDICT: "bold magenta"}
_MOST_APPLIED = 20


def render(report: Report, look: Look) -> str:
    """Return *report* as lines of at most `look.width` columns, except for SQL and fixes, which stay as they are."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=look.width,
        force_terminal=look.colour,
        color_system="standard" if look.colour else None,
        highlight=False,
        soft_wrap=False,
        legacy_windows=False,
    )
    if not look.quiet:
        console.print(_header(report))
    for number, finding in enumerate(folded(report.findings), 1):
        console.print()
        _print_finding(console, number, finding)
    if not look.quiet:
        _print_rest(console, report)
    console.print()
    console.print(Text(_words.verdict(report), style=_VERDICT_STYLE[report.verdict]))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _header(report: Report) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in _words.facts(report):
        table.add_row(Text(label, style="dim"), Text(value))
    return table


def _print_finding(console: Console, number: int, finding: Finding) -> None:
    head = Text(f"{number}. ")
    head.append(f"{finding.severity.value}[{finding.check}]", style=_STYLE[finding.severity])
    if finding.location is not None:
        head.append(f" {_words.place(finding.location)}", style="bold")
    console.print(head)
    _indented(console, finding.message)
    for line in finding.evidence:
        _indented(console, line)
    for line in _words.why(finding):
        _indented(console, line)
    for line in finding.sql.splitlines():
        console.print(Text(f"     | {line}", style="dim"), soft_wrap=True)
    if finding.conditional_on:
        _indented(console, "(seen by going on past the failures above)", style="dim")
    if finding.folded:
        _indented(console, f"{_words.entailed(finding)}:")
        for line in finding.folded:
            _indented(console, f"- {line}")
    for label, code, notes in _words.fixes(finding):
        _indented(console, label)
        _print_fix(console, code, diff=code.startswith("---"))
        for note in notes:
            _indented(console, f"- {note}")


def _print_fix(console: Console, fix: str, *, diff: bool) -> None:
    """Print prose as paragraphs of the console's width, and code, which is indented by four, or a diff as it stands."""
    for is_code, lines in itertools.groupby(fix.splitlines(), key=lambda line: diff or line.startswith("    ")):
        if is_code:
            for line in lines:
                console.print(Text(f"     {line}"), soft_wrap=True)
        else:
            console.print(Padding(Text(" ".join(lines).strip()), (0, 0, 0, 5)))


def _indented(console: Console, text: str, style: str = "") -> None:
    console.print(Padding(Text(text, style=style), (0, 0, 0, 3)))


def _print_rest(console: Console, report: Report) -> None:
    if report.revisions:
        console.print()
        console.print(Text("Revisions", style="bold"))
        console.print(_revisions(report.revisions))
    for heading, lines in (
        ("Production after it", report.state_left),
        ("Notes", report.notes),
        ("Not tested", report.not_tested),
    ):
        if lines:
            console.print()
            console.print(Text(heading, style="bold"))
        for line in lines:
            _indented(console, line)
    seconds = ", ".join(f"{step} {took:.1f} s" for step, took in report.timings.items() if took >= 0.05)
    if seconds:
        console.print()
        console.print(Text(f"Took: {seconds}", style="dim"))


def _revisions(lines: tuple[RevisionLine, ...]) -> Table:
    """Return the table of the revisions; in a long row of applied ones only the first and last are shown."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    shown: tuple[RevisionLine | None, ...] = lines
    if len(lines) > _MOST_APPLIED:
        half = _MOST_APPLIED // 2
        shown = (*lines[:half], None, *lines[-half:])
    for line in shown:
        if line is None:
            table.add_row("  ...", f"{len(lines) - _MOST_APPLIED} more", "", "")
            continue
        took = "" if line.duration_ms is None else f"{line.duration_ms:.0f} ms"
        # A cell that is a str would be read as markup: a message may have brackets.
        table.add_row(*map(Text, (f"   {line.revision}", line.message, line.outcome, took)))
    return table
