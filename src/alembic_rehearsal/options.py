"""The options of a run: flags win over the configuration file, which wins over the defaults."""

from __future__ import annotations

import dataclasses
import datetime
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic_rehearsal import baselines, config, policy, waivers
from alembic_rehearsal.errors import UsageError
from alembic_rehearsal.grades import GRADES
from alembic_rehearsal.model import Options
from alembic_rehearsal.report import FORMATS
from alembic_rehearsal.report._rules import RULES

# A file must not hold production's address, and the directory is where the file was found.
_FLAGS_ONLY = ("directory", "from_url", "waivers")
# What only a file can say.
_FILE_ONLY: dict[str, type] = {"waivers": list}
_MOST_INSTANCES = 16
# Options of a run that name nothing in `Options`: what is printed, and where to.
_OUTPUT_OPTIONS: dict[str, type] = {"format": tuple, "output": tuple, "quiet": bool, "verbose": bool}


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """What is printed.

    Attributes:
        reports: pairs of format and file, "-" for standard output.
        prefix: the project's directory in its repository, "" at the root.
        anchor: the file that a finding without a place of its own is hung up on, where a format needs one.
    """

    reports: tuple[tuple[str, str], ...]
    quiet: bool
    verbose: bool
    anchor: str
    prefix: str


def merge(flags: Mapping[str, Any], *, making_baseline: bool = False) -> tuple[Options, Shown]:
    """Return the options that *flags* and the project's configuration file amount to.

    A flag that was not given is None or an empty tuple. When the baseline is being made, it is the file to write.

    Raises:
        UsageError: a key or a value is wrong, or no dump is named.
    """
    fields = {field.name: field for field in dataclasses.fields(Options)}
    known = {name.replace("_", "-"): _kind(field.default) for name, field in fields.items() if name not in _FLAGS_ONLY}
    from_file = config.load(Path(flags["directory"]), known | _OUTPUT_OPTIONS | _FILE_ONLY)
    given = {name: value for name, value in flags.items() if value not in (None, ())}
    merged = {key.replace("-", "_"): value for key, value in from_file.items()} | given
    shown = _shown(merged, Path(flags["directory"]))
    values = {name: merged[name] for name in fields if name in merged}
    if "from_url" in given:
        if "dump" in given:
            raise UsageError("--dump and --from-url exclude each other")
        if not given["from_url"]:
            raise UsageError("--from-url is empty: is the variable set where this runs?")
        values["dump"] = ""
    elif not values.get("dump"):
        raise UsageError(
            "no dump was named",
            fix='    pg_dump --create --schema-only "$DATABASE_URL" > production.sql\n'
            "    pg_dump --data-only --table='*.alembic_version' \"$DATABASE_URL\" >> production.sql\n"
            "    alembic-rehearsal run --dump production.sql",
        )
    values["allow_port"] = tuple(int(port) for port in values.get("allow_port", ()))
    for name in ("x", "at", "include_data", "app_env", "severity"):
        values[name] = tuple(str(item) for item in values.get(name, ()))
    if "waivers" in values:
        today = datetime.datetime.now(datetime.timezone.utc).date()
        values["waivers"] = waivers.read(values["waivers"], RULES, today)
    _check_at(values["at"])
    _check_command(values.get("command", ""))
    _check_again(values.get("idempotence", "retryable"), values.get("instances", 3))
    if not values.get("timeout", 1.0) > 0:
        raise UsageError(f"--timeout {values['timeout']:g} leaves the command no time", fix="--timeout 600")
    policy.check_settings(values["severity"], values.get("fail_on", "error"), RULES)
    _check_divergence(values.get("divergence", "auto"), from_base=values.get("from_base", True))
    if "dump" in from_file and "dump" not in given and values["dump"]:
        values["dump"] = str(Path(flags["directory"], values["dump"]))
    if "baseline" in from_file and "baseline" not in given:
        values["baseline"] = str(Path(flags["directory"], values["baseline"]))
    own = str(Path(flags["directory"], baselines.NAME))
    named = values.get("baseline", "")
    values["baseline"] = (named or own) if making_baseline else _baseline(named, own)
    return _placed(Options(**values)), shown


def _check_at(revisions: tuple[str, ...]) -> None:
    """Say what is wrong with --at as far as it can be told without the scripts.

    Raises:
        UsageError: an empty revision, base beside others, or something that is no revision's id.
    """
    for revision in revisions:
        if not revision.strip() or revision in ("head", "heads") or set(revision) & set("@,+: "):
            raise UsageError(
                f"--at {revision or repr(revision)}: production's version row is a revision's id, or it is base",
                fix="Say it as it stands in the version table; several heads: --at ID --at ID",
            )
    if "base" in revisions and len(revisions) > 1:
        raise UsageError("--at base says that production has no version row, and --at names one besides")


def _check_command(line: str) -> None:
    """Say that --command is no command line.

    Raises:
        UsageError: a quotation isn't closed, for instance.
    """
    try:
        shlex.split(line)
    except ValueError as error:
        raise UsageError(f"--command {line}: {error}", fix='--command "flask db upgrade"') from error


def _check_divergence(asked: str, *, from_base: bool) -> None:
    """Say that --divergence can't be followed.

    Raises:
        UsageError: its value is unknown, or it asks for what --no-from-base leaves out.
    """
    if asked not in ("auto", "on", "off"):
        raise UsageError(f"--divergence {asked}: known are auto, on, off")
    if asked == "on" and not from_base:
        raise UsageError("--divergence on compares with the history from base, and --no-from-base leaves that out")


def _baseline(named: str, own: str) -> str:
    """Return the path of the baseline: the one that is *named*, else the project's *own* if there is one, else "".

    Raises:
        UsageError: it can't be read, or is no baseline.
    """
    path = named or (own if os.path.lexists(own) else "")
    if path:
        baselines.load(Path(path))
    return path


def _check_again(grade: str, instances: int) -> None:
    """Say what is wrong with the options of the trials that follow an upgrade which went through.

    Raises:
        UsageError: an unknown grade, or a number that can't be tried.
    """
    if grade not in GRADES:
        raise UsageError(f"--idempotence {grade}: the grades are {', '.join(GRADES)}", fix="--idempotence retryable")
    if not 1 <= instances <= _MOST_INSTANCES:
        raise UsageError(
            f"--instances {instances}: from 1, for no such trial, to {_MOST_INSTANCES}", fix="--instances 3"
        )


def _check_file(file: str) -> None:
    """Say that a report can't be written, before it would be lost.

    Raises:
        UsageError: *file* is a directory, or lies in what is none.
    """
    place = Path(file)
    above = next(folder for folder in (*place.absolute().parents, Path("/")) if os.path.lexists(folder))
    if place.is_dir():
        raise UsageError(f"--output {file} is a directory", fix="Name a file in it.")
    if not above.is_dir():
        raise UsageError(f"--output {file} can't be written: {above} is no directory")
    if not os.access(place if place.exists() else above, os.W_OK):
        raise UsageError(f"--output {file} can't be written: {place if place.exists() else above} is read-only here")


def _placed(options: Options) -> Options:
    """Return *options* with the provider that the place of the command leaves.

    Raises:
        UsageError: an option has no meaning where the command is to run.
    """
    if not options.app_image:
        if options.app_directory or options.app_env:
            raise UsageError(
                f"--app-{'directory' if options.app_directory else 'env'} is for a command in the application's image",
                fix="--app-image IMAGE",
            )
        return options
    if options.postgres not in ("auto", "docker"):
        raise UsageError(
            "with --app-image the throw-away server is a container, whose network the command shares: "
            f"--postgres {options.postgres.partition('://')[0]} can't be that",
            fix="--postgres docker, or leave it out",
        )
    if options.allow_port:
        raise UsageError(
            "--allow-port opens nothing for a command in the application's image: its network holds the throw-away "
            "server and nothing else",
            fix="Leave one of --allow-port and --app-image out.",
        )
    return dataclasses.replace(options, postgres="docker")


def _kind(default: Any) -> type:
    return str if default is dataclasses.MISSING else type(default)


def _shown(merged: dict[str, Any], directory: Path) -> Shown:
    formats = tuple(merged.get("format") or ("text",))
    outputs = tuple(merged.get("output") or ())
    for name in formats:
        if name not in FORMATS:
            raise UsageError(f"--format {name}: known are {', '.join(FORMATS)}")
    if len(outputs) > len(formats):
        raise UsageError(f"{len(outputs)} --output for {len(formats)} --format: give each file its format")
    padded = (*outputs, *("-" for _ in range(len(formats) - len(outputs))))
    printed = [name for name, file in zip(formats, padded, strict=True) if file == "-"]
    # A runner takes the annotations out of the log, so that the text stays as it is.
    if len(printed) > 1 and sorted(printed) != ["github", "text"]:
        raise UsageError("two reports can't share standard output: give one of them --output FILE")
    for file in padded:
        if file != "-":
            _check_file(file)
    return Shown(
        reports=tuple(zip(formats, padded, strict=True)),
        quiet=bool(merged.get("quiet")),
        verbose=bool(merged.get("verbose")),
        anchor=str(merged.get("config") or "alembic.ini"),
        prefix=_in_repository(directory),
    )


def _in_repository(directory: Path) -> str:
    """Return *directory* relative to the repository that it lies in, which is what a pull request's paths begin at."""
    place = directory.absolute()
    for folder in (place, *place.parents):
        if (folder / ".git").exists():
            relative = place.relative_to(folder).as_posix()
            return "" if relative == "." else relative
    return ""
