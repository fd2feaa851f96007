"""The flags that say what is rehearsed and how: those of `run` and of `fix`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--dump", help="pg_dump of production: any format, compressed or not.", metavar="PATH"),
    click.option("--from-url", help="Snapshot production's database first, read-only.", metavar="URL"),
    click.option("--max-dump-age", help="No verdict from a dump that is older.", metavar="DAYS", type=float),
    click.option("-d", "--directory", help="The project's directory.", metavar="DIR", default="."),
    click.option("-c", "--config", help="Alembic's configuration file.", metavar="FILE"),
    click.option("-n", "--name", help="Section of the configuration file.", metavar="NAME"),
    click.option("-x", "x", help="Argument for env.py, as in alembic -x.", metavar="ARG", multiple=True),
    click.option("--target", help="Revision to upgrade to (default: head).", metavar="REVISION"),
    click.option("--command", help='What to run instead of alembic: "flask db upgrade".', metavar="LINE"),
    click.option("--python", help="The project's interpreter (default: found).", metavar="PATH"),
    click.option("--app-image", help="The application's image, to run the command in.", metavar="IMAGE"),
    click.option("--app-directory", help="Where it starts there (default: WORKDIR).", metavar="DIR"),
    click.option("--app-env", help="Variable for it: NAME=VALUE, or NAME.", metavar="NAME", multiple=True),
    click.option("--postgres", help="auto, local, embedded, docker, or a server's URL.", metavar="PROVIDER"),
    click.option("--postgres-image", help="Image for the docker provider.", metavar="IMAGE"),
    click.option("--role", help="Role that migrates (default: the version table's owner).", metavar="ROLE"),
    click.option("--platform", help="Where production runs, for what its roles may do: render.", metavar="NAME"),
    click.option("--database-name", help="Name of the database, or which one of a pg_dumpall.", metavar="NAME"),
    click.option(
        "--at", help="Production's revision, if the dump has no version row.", metavar="REVISION", multiple=True
    ),
    click.option("--include-data", help="Table whose rows are restored too.", metavar="TABLE", multiple=True),
    click.option("--allow-port", help="TCP port that the command may reach.", metavar="PORT", multiple=True, type=int),
    click.option("--base", help="Commit of git to compare the revision files with.", metavar="REF"),
    click.option("--divergence", help="Compare with the schema from base: auto, on or off.", metavar="WHEN"),
    click.option("--baseline", help="File with the differences that are known.", metavar="FILE"),
    click.option("--fail-on", help="What blocks: error (default), warning or note.", metavar="SEVERITY"),
    click.option("--severity", help="off, note, warning or error for a check.", metavar="CHECK=LEVEL", multiple=True),
    click.option(
        "--idempotence",
        help="What blocks: off, retryable (default), race-safe or repeatable.",
        metavar="GRADE",
    ),
    click.option("--instances", help="Upgrades at once (default: 3; 1: not tried).", metavar="N", type=int),
    click.option("--timeout", help="Seconds that the command may take (default: 600).", metavar="SECONDS", type=float),
)


def rehearsal_options(command: _Command) -> _Command:
    """Give *command* the flags of a rehearsal, in the order of its help."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
