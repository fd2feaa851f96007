"""What is said on the terminal or in a job's log, and the files of the reports: the only room that prints."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alembic_rehearsal import interrupts, unobeyed

if TYPE_CHECKING:
    from alembic_rehearsal.errors import RehearsalError
    from alembic_rehearsal.model import Endpoint, Report
    from alembic_rehearsal.options import Shown


def say(text: str, form: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print *text*, or a report in the format *form*; a job's runner is not to obey what a stranger wrote."""
    if unobeyed.is_needed(os.environ):
        text = unobeyed.unobeyed(text, form)
    # A server's message may hold what UTF-8 can't.
    click.echo(text.encode("utf-8", "backslashreplace") if form else text, err=err, nl=nl)


def complain(text: str, *, nl: bool = True) -> None:
    """Print *text* to standard error."""
    try:
        say(text, err=True, nl=nl)
    except OSError:
        # The terminal is gone; the exit status still says it.
        return


def say_error(error: RehearsalError) -> None:
    """Print what ended the command, and what to do about it."""
    complain(f"error: {error}")
    if error.fix:
        complain(error.fix)
    if error.exit_status == 3:
        complain("no verdict (exit 3)")


def progress(text: str) -> None:
    """Overwrite the line that says what is being done; "" takes it away."""
    complain(f"\r\x1b[K{text}{' ...' if text else ''}", nl=False)


def print_reports(report: Report, shown: Shown) -> None:
    """Print the reports, and write those that have a file."""
    from alembic_rehearsal.report import reporter
    from alembic_rehearsal.report.look import Look

    for name, file in shown.reports:
        width = min(shutil.get_terminal_size((80, 24)).columns, 120)
        look = Look(quiet=shown.quiet, anchor=shown.anchor, prefix=shown.prefix, width=width)
        if file == "-" and sys.stdout.isatty():
            look = replace(look, colour="NO_COLOR" not in os.environ)
        text = reporter(name)(report, look)
        if file == "-":
            say(text, name, nl=False)
        else:
            _write(Path(file), text)


def _write(file: Path, text: str) -> None:
    """Write a report; to the summary of a job's step it is added, which may have others."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and file.absolute() == Path(summary).absolute():
        from alembic_rehearsal import jobsummary

        jobsummary.add(file, text)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode("utf-8", "backslashreplace"))


def keep(report: Report, endpoint: Endpoint, shown: Shown) -> None:
    """Print the report, say how to connect, and wait: the server lives as long as this process."""
    print_reports(report, shown)
    address = f"postgresql://{endpoint.user}:{endpoint.password}@{endpoint.host}:{endpoint.port}/{endpoint.dbname}"
    complain(f"the server stays up until Enter or ^C:\npsql '{address}'")
    try:
        if sys.stdin.isatty():
            sys.stdin.readline()
        else:
            signal.pause()
    except interrupts.Interrupted:
        # That is how it is meant to end; the exit status is the verdict's.
        return
