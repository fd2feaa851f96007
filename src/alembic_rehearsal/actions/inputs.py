"""The inputs of a workflow step -> the arguments of `alembic-rehearsal run`.

The options of the command line are the inputs: a new option is a new input without a word here.
How the runner hands them over: ActionRunner.cs and Handler.cs of https://github.com/actions/runner.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from alembic_rehearsal.errors import UsageError
from alembic_rehearsal.report import FORMATS

_PREFIX = "INPUT_"
# Options that make no sense in a job: nobody presses Enter there, and a job that runs the code of a pull request
# never holds production's address. The other two are written by `Inputs.reports`.
_LEFT_OUT = {"keep", "from-url", "help"}
_REPORTS = {"format", "output"}
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# What one project may be rehearsed with several times.
_VARIANT = ("dump", "target", "command", "role")
# The inputs that the command line doesn't have.
OWN = ("install", "python-version", "cache-directory", "comment", "token")
_FILES = {
    "json": "rehearsal.json",
    "markdown": "rehearsal.md",
    "comment": "rehearsal-comment.md",
    "sarif": "rehearsal.sarif",
    "junit": "rehearsal.xml",
    "gitlab": "gl-code-quality-report.json",
}
_TRUTH = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False, "1": True, "0": False}


@dataclasses.dataclass(frozen=True, slots=True)
class Inputs:
    """What a workflow asks for.

    Attributes:
        arguments: of `alembic-rehearsal run`, without those about reports.
        reports: pairs of format and file; "" for a file that nobody named.
        directory: the project's, as given.
        install: "auto", "none" or commands, one a line.
        python_version: for the environment that `install` makes; "" for what the project says.
        cache_directory: where downloads are kept; "" for a place that lasts as long as the job.
        comment: on the pull request, with `token`.
        project: directory, configuration file and section, as given: what tells one comment from another,
        variant: with what else does so, by the input's name: two dumps of one project have two verdicts.
        secrets: values that must not be seen in a log.
    """

    arguments: tuple[str, ...]
    reports: tuple[tuple[str, str], ...]
    directory: str
    install: str
    python_version: str
    cache_directory: str
    comment: bool = False
    project: tuple[str, ...] = ()
    variant: Mapping[str, str] = dataclasses.field(default_factory=dict)
    token: str = dataclasses.field(repr=False, default="")
    secrets: tuple[str, ...] = dataclasses.field(repr=False, default=())

    @property
    def interpreter_named(self) -> bool:
        """Say whether the workflow says where the project's interpreter is: a file, or the application's image."""
        return any(each.startswith(("--python=", "--app-image=")) for each in self.arguments)


def base_of(environ: Mapping[str, str]) -> str:
    """Return the commit that a pull request, or a merge queue's group, is to be merged into; "" for other events.

    Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads
    """
    try:
        event = json.loads(Path(environ.get("GITHUB_EVENT_PATH", "")).read_text(encoding="utf-8"))
        found = event["pull_request"]["base"]["sha"] if "pull_request" in event else event["merge_group"]["base_sha"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) and _COMMIT.fullmatch(found) else ""


def options(command: click.Command) -> dict[str, click.Option]:
    """Return the options of *command* that are inputs, by the input's name."""
    found = {}
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            name = max(parameter.opts, key=len).lstrip("-")
            if name not in _LEFT_OUT:
                found[name] = parameter
    return found


def read(environ: Mapping[str, str], command: click.Command) -> Inputs:
    """Return what the variables INPUT_* ask for.

    Raises:
        UsageError: an input is unknown, given in two forms, or no value of its kind.
    """
    known = options(command)
    given = _given(environ, {*known, *OWN})
    arguments = tuple(_arguments(given, known))
    return Inputs(
        arguments=arguments,
        reports=_reports(_lines(given.get("format", "")), _lines(given.get("output", ""))),
        directory=given.get("directory", "."),
        install=given.get("install", "auto"),
        python_version=given.get("python-version", ""),
        cache_directory=given.get("cache-directory", ""),
        comment=_truth("comment", given.get("comment", "false")),
        **_named(given),
    )


def despite(environ: Mapping[str, str]) -> Inputs:
    """Return of inputs that `read` refuses what says where to say so: reports and comment."""
    given = dict(_pairs(environ))
    reports: tuple[tuple[str, str], ...] = ()
    with contextlib.suppress(UsageError):
        asked = _reports(_lines(given.get("format", "")), _lines(given.get("output", "")))
        reports = tuple((name, file) for name, file in asked if name in FORMATS)
    comment = _TRUTH.get(given.get("comment", "").lower(), False)
    return Inputs((), reports, ".", "none", "", "", comment=comment, **_named(given))


def _named(given: Mapping[str, str]) -> dict[str, Any]:
    return {
        "project": (given.get("directory", "."), given.get("config", ""), given.get("name", "")),
        "variant": {name: given[name] for name in _VARIANT if name in given},
        "token": given.get("token", ""),
        "secrets": _secrets(given),
    }


def _pairs(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the inputs that have a value, by their names with hyphens.

    The runner leaves hyphens as they are; a shell on the way, or a composite action, makes them underscores.
    """
    for variable, text in environ.items():
        if variable.startswith(_PREFIX) and text.strip():
            yield variable.removeprefix(_PREFIX).lower().replace("_", "-"), text.strip()


def _given(environ: Mapping[str, str], known: set[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in _pairs(environ):
        if name not in known:
            raise UsageError(f"unknown input {name!r}", fix=_hint(name, known))
        if given.get(name, value) != value:
            raise UsageError(f"the input {name!r} was given twice: {given[name]!r} and {value!r}")
        given[name] = value
    return given


def _hint(name: str, known: set[str]) -> str:
    if name in ("args", "entrypoint"):
        return "This action takes no arguments: each option is an input of its own, such as dump."
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(sorted(known))}."


def _arguments(given: Mapping[str, str], known: Mapping[str, click.Option]) -> Iterator[str]:
    for name, option in known.items():
        if name not in given or name in _REPORTS:
            continue
        flag = max(option.opts, key=len)
        if option.is_flag:
            if _truth(name, given[name]):
                yield flag
            else:
                yield from option.secondary_opts
            continue
        for value in _lines(given[name]) if option.multiple else [given[name]]:
            # With "=", so that a value may begin with a hyphen.
            yield from [f"{flag}={value}"] if flag.startswith("--") else [flag, value]


def _truth(name: str, text: str) -> bool:
    if text.lower() not in _TRUTH:
        raise UsageError(f"the input {name!r} is {text!r}", fix=f"{name}: true, or {name}: false")
    return _TRUTH[text.lower()]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _reports(formats: Sequence[str], files: Sequence[str]) -> tuple[tuple[str, str], ...]:
    if len(files) > len(formats):
        raise UsageError(
            f"{len(files)} files in the input 'output' for {len(formats)} in 'format'",
            fix="Give each file its format, one a line:\nformat: |\n  sarif\noutput: |\n  rehearsal.sarif",
        )
    for file in files:
        if posixpath.normpath(file).startswith("../"):
            # In the container's own file system, where no later step finds it.
            raise UsageError(f"the input 'output' names {file}, which is outside of the workspace")
    named = ["" if file == "-" else file for file in files]
    return tuple(zip(formats, (*named, *("" for _ in formats[len(named) :])), strict=True))


def file_name(report_format: str) -> str:
    """Return the name of a report's file when the workflow gives none."""
    return _FILES.get(report_format, f"rehearsal.{report_format}.txt")


def _secrets(given: Mapping[str, str]) -> tuple[str, ...]:
    """Return the token, and the password of a server's URL."""
    before, at, _host = given.get("postgres", "").rpartition("@")
    password = before.partition("://")[2].partition(":")[2] if at else ""
    return tuple(filter(None, (given.get("token", ""), password)))
