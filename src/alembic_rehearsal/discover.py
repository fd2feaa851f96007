"""The Alembic projects of a repository, so that a CI system can spread them over its machines."""

from __future__ import annotations

import configparser
import dataclasses
import fnmatch
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from alembic_rehearsal.errors import ProjectError, UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FORMATS = ("text", "json", "github-matrix")
# Source: https://docs.github.com/en/actions/reference/limits, jobs of a matrix.
_MOST_JOBS = 256
_SKIPPED = {"node_modules", "site-packages", "__pycache__"}
_DEFAULT_FILE, _DEFAULT_SECTION = "alembic.ini", "alembic"
_MOST_BYTES = 1 << 20
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
_OF_FLASK = re.compile(r"^\s*(from|import) flask\b|\bcurrent_app\b", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """One Alembic project, in the words of the flags of `run`.

    Attributes:
        project: what tells it from the others, for the name of a job.
        directory: where its command starts, relative to where the search began.
        config: the configuration file, relative to `directory`; "" for the one that Alembic takes by itself.
        name: the file's section; "" for the usual one.
        command: what migrates it, "" for alembic.
    """

    project: str
    directory: str
    config: str = ""
    name: str = ""
    command: str = ""


def search(folders: Sequence[str], *, exclude: Sequence[str] = ()) -> tuple[Found, ...]:
    """Return the projects below *folders*, sorted; those whose directory matches a pattern of *exclude* are left out.

    Raises:
        UsageError: a folder doesn't exist.
        ProjectError: there is none.
    """
    found: set[Found] = set()
    for folder in folders:
        if not Path(folder).is_dir():
            raise UsageError(f"the directory {folder} doesn't exist")
        for place in _folders(Path(folder)):
            found.update(_in_folder(place, Path(folder)))
    kept = [each for each in found if not any(fnmatch.fnmatch(each.directory, pattern) for pattern in exclude)]
    if not kept:
        raise ProjectError(
            f"no Alembic project in {', '.join(folders)}",
            fix="A project has an alembic.ini with script_location, [tool.alembic] in its pyproject.toml, or "
            "Flask-Migrate's migrations/alembic.ini.",
        )
    return tuple(sorted(kept, key=lambda each: (each.directory, each.config, each.name)))


def render(found: Sequence[Found], form: str) -> str:
    """Return *found* as one of `FORMATS`; a matrix is one line, for a line of GITHUB_OUTPUT.

    Raises:
        UsageError: GitHub takes no matrix as large as that.
    """
    if form == "text":
        return "".join(f"{line}\n" for line in map(_line, found))
    records = [dataclasses.asdict(each) for each in found]
    if form == "json":
        return json.dumps(records, indent=2) + "\n"
    if len(records) > _MOST_JOBS:
        raise UsageError(
            f"{len(records)} projects, and a matrix of GitHub's takes {_MOST_JOBS}",
            fix="Make several: alembic-rehearsal discover --format github-matrix services/a services/b",
        )
    return json.dumps({"include": records}, separators=(",", ":")) + "\n"


def _line(found: Found) -> str:
    flags = [("-d", found.directory), ("-c", found.config), ("-n", found.name), ("--command", found.command)]
    return shlex.join(part for flag, value in flags if value for part in (flag, value))


def _folders(root: Path) -> Iterator[Path]:
    """Yield *root* and what is below it, without what is left out, and what a link leads to."""
    for place, names, files in os.walk(root):
        if "pyvenv.cfg" in files:
            names.clear()
            continue
        names[:] = sorted(name for name in names if not _is_left_out(name, Path(place).name))
        yield Path(place)


def _is_left_out(name: str, parent: str) -> bool:
    """Say whether a folder is hidden, installed, what setuptools copies (`build/lib`), or a template of projects."""
    copied = parent == "build" and name.partition(".")[0] == "lib"
    return name.startswith(".") or name in _SKIPPED or copied or "{{" in name


def _in_folder(folder: Path, root: Path) -> Iterator[Found]:
    usual = False
    for path in sorted((*folder.glob("*.ini"), *folder.glob("setup.cfg"))):
        sections = _sections(path)
        usual = usual or (path.name == _DEFAULT_FILE and _DEFAULT_SECTION in sections)
        for section, location in sections.items():
            yield _found(_start(folder, location, root), path, section)
    flask = _flask(folder)
    if flask is not None:
        yield flask
    elif not usual and _in_pyproject(folder):
        yield _found(folder, folder / _DEFAULT_FILE, _DEFAULT_SECTION)


def _found(directory: Path, file: Path, section: str, command: str = "") -> Found:
    where = Path(os.path.relpath(directory)).as_posix()
    config = Path(os.path.relpath(file, directory)).as_posix()
    config = "" if config == _DEFAULT_FILE else config
    name = "" if section == _DEFAULT_SECTION else section
    return Found(" ".join(filter(None, (where, config, name))), where, config, name, command)


def _sections(path: Path) -> dict[str, str]:
    """Return section -> script_location of each section that sets one itself."""
    text = _text(path)
    # An ini's keys may be written in capitals.
    if "script_location" not in text.lower():
        return {}
    # [DEFAULT] as a section of its own: its values are no section's own.
    parser = configparser.RawConfigParser(strict=False, default_section="")
    try:
        parser.read_string(text)
    except configparser.Error:
        # Alembic will say what is wrong with it; left out, nobody would.
        return {_DEFAULT_SECTION: "%(here)s"} if path.name == _DEFAULT_FILE else {}
    found = {name: values["script_location"] for name, values in parser.items() if "script_location" in values}
    inherited = found.pop("DEFAULT", None)
    return found or ({} if inherited is None else {_DEFAULT_SECTION: inherited})


def _start(folder: Path, location: str, root: Path) -> Path:
    """Return the directory that a command has to start in to find *location*, which may be relative to that."""
    above = [folder, *(each for each in folder.parents if each == root or root in each.parents)]
    if "%(here)s" in location or Path(location).is_absolute():
        return folder
    if ":" in location:
        # In a package; it is imported from where the project's own files are.
        return next((each for each in above if any((each / name).is_file() for name in _PROJECT_FILES)), folder)
    return next((each for each in above if (each / location / "env.py").is_file()), folder)


def _in_pyproject(folder: Path) -> bool:
    """Say whether pyproject.toml has [tool.alembic] with a location, which Alembic reads from 1.16 on."""
    text = _text(folder / "pyproject.toml")
    if "script_location" not in text:
        return False
    try:
        table = tomllib.loads(text).get("tool", {}).get("alembic", {})
    except tomllib.TOMLDecodeError:
        return False
    return isinstance(table, dict) and "script_location" in table


def _flask(folder: Path) -> Found | None:
    """Return the project whose folder of migrations *folder* is, as Flask-Migrate lays it out.

    Source: https://github.com/miguelgrinberg/Flask-Migrate, templates/flask/alembic.ini.mako has no script_location.
    """
    file = folder / _DEFAULT_FILE
    if not file.is_file() or "script_location" in _text(file).lower() or not _OF_FLASK.search(_text(folder / "env.py")):
        return None
    option = "" if folder.name == "migrations" else f" --directory {shlex.quote(folder.name)}"
    where = Path(os.path.relpath(folder.parent)).as_posix()
    return Found(" ".join((where, *([folder.name] if option else []))), where, command=f"flask db upgrade{option}")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
