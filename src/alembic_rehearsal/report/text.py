"""The report for a terminal or a log: the verdict last, because that is where a failed pipeline is read."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alembic_rehearsal import project
from alembic_rehearsal.model import Finding, Location, Report, RevisionLine, Severity, Verdict
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
    for number, finding in enumerate(report.findings, 1):
        console.print()
        _print_finding(console, number, finding)
    if not look.quiet:
        _print_rest(console, report)
    console.print()
    console.print(Text(_verdict(report), style=_VERDICT_STYLE[report.verdict]))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _header(report: Report) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in _facts(report):
        table.add_row(Text(label, style="dim"), Text(value))
    return table


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    if report.dump is not None:
        taken = datetime.datetime.fromtimestamp(report.dump.modified_at, datetime.timezone.utc)
        version = report.dump.server_version or "of a version that the dump doesn't say"
        yield "production", f"PostgreSQL {version}, at {', '.join(report.from_revisions) or 'no revision'}"
        yield "dump", f"{report.dump.path}, {taken:%Y-%m-%d %H:%M} UTC"
    if report.command:
        yield "rehearsed", project.readable(report.command)
    if report.migrator is not None:
        yield "as", f"{report.migrator.role} ({report.migrator.why})"
    if report.server is not None:
        version = report.server.version or str(report.server.major)
        guard = "on" if report.kernel_guard else "off"
        yield "on", f"PostgreSQL {version} ({report.server.provider}), kernel guard {guard}"


def _print_finding(console: Console, number: int, finding: Finding) -> None:
    head = Text(f"{number}. ")
    head.append(f"{finding.severity.value}[{finding.check}]", style=_STYLE[finding.severity])
    if finding.location is not None:
        head.append(f" {_place(finding.location)}", style="bold")
    console.print(head)
    _indented(console, finding.message)
    for line in finding.evidence:
        _indented(console, line)
    for line in finding.sql.splitlines():
        console.print(Text(f"     | {line}", style="dim"), soft_wrap=True)
    if finding.conditional_on:
        _indented(console, "(seen by going on past the failures above)", style="dim")
    if finding.folded:
        _indented(console, "and what needs it fails with it:")
        for line in finding.folded:
            _indented(console, f"- {line}")
    if finding.fix:
        _indented(console, "Fix (not tried):" if finding.sqlstate else "Fix:")
        for line in finding.fix.splitlines():
            console.print(Text(f"     {line}"), soft_wrap=True)


def _place(location: Location) -> str:
    line = f":{location.line}" if location.line else ""
    function = f" in {location.function}()" if location.function.isidentifier() else ""
    return f"{location.path}{line}{function}"


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
        table.add_row(f"   {line.revision}", line.message, line.outcome, took)
    return table


def _verdict(report: Report) -> str:
    status = report.verdict.exit_status
    errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
    if report.verdict is Verdict.PASS:
        done = sum(line.outcome == "applied" for line in report.revisions)
        what = f"{done} revision{'s' * (done != 1)} applied" if done else "nothing is pending"
        return f"PASS: {what} (exit {status})"
    if report.verdict is Verdict.BLOCKED:
        return f"BLOCKED: {errors} failure{'s' * (errors != 1)} that production would have had (exit {status})"
    return f"NO VERDICT: the rehearsal proves nothing (exit {status})"
