"""The command line: argv -> options, and the exit status."""

from __future__ import annotations

import io
import os
import shutil
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alembic_rehearsal import __version__, console, interrupts, unobeyed
from alembic_rehearsal.errors import RehearsalError
from alembic_rehearsal.flags import rehearsal_options
from alembic_rehearsal.model import Verdict

if TYPE_CHECKING:
    from alembic_rehearsal.model import Options, Report
    from alembic_rehearsal.options import Shown


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0 pass, 1 blocked, 2 usage, 3 no verdict, 130 interrupted."""
    interrupts.expect()
    try:
        result = cli.main(args=argv, prog_name="alembic-rehearsal", standalone_mode=False)
    except click.ClickException as error:
        words = io.StringIO()
        error.show(words)
        console.complain(words.getvalue(), nl=False)
        return 2
    except click.Abort:
        return interrupts.EXIT_STATUS
    except RehearsalError as error:
        console.say_error(error)
        return error.exit_status
    except Exception:  # noqa: BLE001
        # A fault of the tool's own is no verdict either: 1 would say that the migration was tried and failed.
        console.complain(traceback.format_exc())
        console.complain("error: a fault of alembic-rehearsal itself: report it\nno verdict (exit 3)")
        return Verdict.NO_VERDICT.exit_status
    except (interrupts.Interrupted, KeyboardInterrupt) as error:
        console.complain(f"interrupted ({error}): everything that was started has been stopped")
        return interrupts.EXIT_STATUS
    return result if isinstance(result, int) else 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="alembic-rehearsal")
def cli() -> None:
    """Rehearse an Alembic upgrade on production's schema before the deploy does."""


@cli.command()
@rehearsal_options
@click.option(
    "--from-base/--no-from-base",
    help="Build the history on an empty database too, to say why something fails (default: yes).",
    default=None,
)
@click.option(
    "--remedies/--no-remedies",
    help="Try on copies what would mend a failure (default: yes).",
    default=None,
)
@click.option("--keep", help="Leave the server up until Enter or a signal.", is_flag=True, default=None)
@click.option(
    "-f", "--format", help="Format of the report: text, json, github, ...; repeatable.", metavar="FORMAT", multiple=True
)
@click.option("-o", "--output", help="File for the report of the same place's --format.", metavar="FILE", multiple=True)
@click.option("-q", "--quiet", help="Print the verdict and the findings only.", is_flag=True, default=None)
@click.option("-v", "--verbose", help="Show the command's own output.", is_flag=True, default=None)
def run(**flags: Any) -> int:
    """Restore the dump, upgrade it, and say everything that would fail."""
    from alembic_rehearsal import options

    asked, shown = options.merge(flags)
    if asked.keep and not flags["keep"] and not sys.stdin.isatty():
        # Set for whoever works at a terminal, and a job would wait until its time is over.
        console.complain("keep is set in the configuration file, and there is no terminal: the server is not kept")
        asked = replace(asked, keep=False)
    report = _rehearsed(asked, shown)
    if not asked.keep or report.server is None:
        console.print_reports(report, shown)
    return report.verdict.exit_status


@cli.command()
@rehearsal_options
@click.option("-y", "--yes", help="Apply it without asking.", is_flag=True)
@click.option("-v", "--verbose", help="Show the command's own output.", is_flag=True, default=None)
def fix(*, yes: bool, **flags: Any) -> int:
    """Rehearse, and apply the remedy that passed its trial to the project's files."""
    from alembic_rehearsal import fixing, options
    from alembic_rehearsal.remedies import best

    asked, shown = options.merge(flags)
    report = _rehearsed(replace(asked, from_base=True, remedies=True, keep=False, idempotence="off"), shown)
    remedy = best(report.findings)
    if remedy is None or not remedy.patch:
        console.print_reports(report, replace(shown, quiet=True, reports=(("text", "-"),)))
    return fixing.offer(
        remedy,
        asked.directory,
        report.verdict,
        say=console.say,
        agreed=lambda: yes or (sys.stdin.isatty() and click.confirm("Apply it?")),
    )


@cli.command()
@rehearsal_options
@click.option("-v", "--verbose", help="Show the command's own output.", is_flag=True, default=None)
def baseline(**flags: Any) -> int:
    """Write down how production differs from its revisions now."""
    from alembic_rehearsal import baselines, options

    asked, shown = options.merge(flags, making_baseline=True)
    file = Path(asked.baseline)
    asked = replace(asked, baseline="", divergence="on", from_base=True, remedies=False, keep=False, idempotence="off")
    status, lines = baselines.keep(_rehearsed(asked, shown), file)
    for line in lines:
        console.say(line)
    return status


@cli.command()
@click.option("--url", help="Production's URL (default: $DATABASE_URL).", metavar="URL", envvar="DATABASE_URL")
@click.option("-o", "--output", help="File: .sql, .sql.gz, .zst, .xz, .bz2.", metavar="FILE", default="-")
def snapshot(url: str | None, output: str) -> int:
    """Write production's schema and revision to a file, read-only and without its data."""
    from alembic_rehearsal import workdir
    from alembic_rehearsal.snapshot import take

    if not url:
        raise click.UsageError("no URL was given, and DATABASE_URL is not set")
    with workdir.run_directory(expected_bytes=0) as run:
        file = run / "snapshot.sql" if output == "-" else Path(output)
        taken = take(url, file, workdir=run, progress=console.complain)
        if output == "-":
            with file.open("rb") as stream:
                shutil.copyfileobj(stream, sys.stdout.buffer)
    for note in taken.notes:
        console.complain(note)
    return 0


@cli.command()
@click.option("--dump", help="Say what this dump would get.", metavar="PATH", default="")
@click.option("-d", "--directory", help="The project's directory.", metavar="DIR", default=".")
@click.option("-c", "--config", help="Alembic's configuration file.", metavar="FILE", default="")
@click.option("--python", help="The project's interpreter (default: found).", metavar="PATH", default="")
@click.option("--postgres", help="auto, local, embedded, docker, or a server's URL.", default="auto")
@click.option("--postgres-image", help="Image for the docker provider.", metavar="IMAGE", default="")
def doctor(**flags: Any) -> int:
    """Show what is found here: servers, the kernel guard, the project, and what a dump would get."""
    from alembic_rehearsal import doctor as examination
    from alembic_rehearsal.model import Options

    for line in examination.examine(Options(**flags), dict(os.environ)):
        console.say(line)
    return 0


def _rehearsed(asked: Options, shown: Shown) -> Report:
    """Rehearse and return the report; that there is no verdict is one too.

    Raises:
        RehearsalError: the options are wrong.
    """
    from alembic_rehearsal import gate, listening

    output = unobeyed.Lines(lambda text: console.say(text, err=True, nl=False))
    listener = listening.Listener(
        progress=console.progress if sys.stderr.isatty() and not shown.quiet else listening.silent,
        output=output if shown.verbose else None,
        keep=(lambda report, endpoint: console.keep(report, endpoint, shown)) if asked.keep else None,
    )
    try:
        return gate.rehearse_upgrade(asked, dict(os.environ), listener)
    except RehearsalError as error:
        if error.exit_status != Verdict.NO_VERDICT.exit_status:
            raise
        from alembic_rehearsal import compose

        return compose.without_verdict(error)
    finally:
        output.close()
        if listener.progress is console.progress:
            console.progress("")


@cli.command()
@click.argument("folders", nargs=-1, metavar="[DIRECTORY]...")
@click.option("--exclude", help="Leave out directories that match.", metavar="PATTERN", multiple=True)
@click.option(
    "-f",
    "--format",
    "form",
    help="text (default), json or github-matrix.",
    type=click.Choice(["text", "json", "github-matrix"]),
    default="text",
    metavar="FORMAT",
)
def discover(folders: tuple[str, ...], exclude: tuple[str, ...], form: str) -> int:
    """List the Alembic projects of a repository, for the jobs of a CI system."""
    from alembic_rehearsal import discover as search

    found = search.render(search.search(folders or (".",), exclude=exclude), form)
    console.say(found, "" if form == "text" else "json", nl=False)
    return 0


@cli.command()
@click.option("-d", "--directory", help="The project's directory.", metavar="DIR", default=".")
@click.option("-c", "--config", help="Alembic's configuration file, of several.", metavar="FILE", default="")
@click.option("-n", "--name", help="Its section, of several.", metavar="NAME", default="")
@click.option("--dump", help="Where the dump will be, in the repository.", metavar="PATH", default="")
@click.option("--uses", help="The action: OWNER/alembic-rehearsal@v1.", metavar="ACTION", default="")
@click.option("--force", help="Overwrite the file.", is_flag=True)
def init(**flags: Any) -> int:
    """Write the workflow of the project that is found here, for GitHub Actions."""
    from alembic_rehearsal.scaffold import init as scaffold

    for line in scaffold.write(**flags):
        console.say(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
