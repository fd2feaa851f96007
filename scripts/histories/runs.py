"""One upgrade, by the project's own command and by the tool, and what each says of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2 import _psycopg

from alembic_rehearsal.model import LogRecord

from .environments import Graph
from .history import NOWHERE, History, filled

_TIMEOUT_S = 600
# A frame of a traceback as Python prints it, and as rich does.
_FRAME = re.compile(r'File "[^"]*/([^/"]+\.py)", line (\d+), in |[^\s│]*/([^/\s│]+\.py):(\d+) in ')
_DRIVER_ERROR = re.compile(r"(?:psycopg2?\.errors|asyncpg\.exceptions(?:\._base)?)\.(\w+)")
_SQLSTATES = {error.__name__: code for code, error in _psycopg.sqlstate_errors.items()}


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict with its place.

    Attributes:
        verdict: "pass", "blocked", or what else the tool says.
        sqlstate: of the error that ended the upgrade.
        line: of the revision's file.
        logged: SQLSTATEs of the errors in the server's log, in order.
        cause: id of the cause that the tool names.
        equals: the revision whose schema production has exactly, as the tool says.
    """

    verdict: str
    revision: str = ""
    sqlstate: str = ""
    file: str = ""
    line: int | None = None
    logged: tuple[str, ...] = ()
    output: str = ""
    cause: str = ""
    equals: str = ""

    def place(self) -> tuple[str, str, str, str, int | None]:
        """Return what the two must agree on."""
        return (self.verdict, self.revision, self.sqlstate, self.file, self.line)


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where a project is run: its interpreter, a directory with its files, its home."""

    history: History
    python: Path
    graph: Graph
    folder: Path
    home: Path

    def environ(self, address: str) -> dict[str, str]:
        """Return the environment of its commands."""
        bin_dir = self.python.parent
        own = {
            name: filled(value, address=address, home=os.fspath(self.home))
            for name, value in self.history.environ.items()
        }
        # rich cuts paths to the width of the terminal.
        wide = {"COLUMNS": "400", "NO_COLOR": "1", "TERM": "dumb"}
        path = os.pathsep.join([os.fspath(bin_dir), os.environ.get("PATH", os.defpath)])
        return {**os.environ, **wide, "PATH": path, "VIRTUAL_ENV": os.fspath(bin_dir.parent), **own}

    def write(self, address: str) -> None:
        """Write the project's files, with this database in them."""
        for folder in (self.folder, self.home):
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in self.history.files.items():
                (folder / name).write_text(filled(text, address=address, home=os.fspath(self.home)))

    def run(self, argv: tuple[str, ...], address: str, revision: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of the project's commands in a process of its own."""
        self.write(address)
        home = os.fspath(self.home)
        words = [filled(word, address=address, revision=revision, home=home) for word in argv]
        program = self.python.parent / words[0]
        return subprocess.run(
            [os.fspath(program), *words[1:]],
            cwd=self.folder,
            env=self.environ(address),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )


def bare(shop: Workshop, address: str) -> Said:
    """Upgrade a production by the project's own command; the log is for the caller to add."""
    done = shop.run(shop.history.upgrade, address)
    if done.returncode == 0:
        return Said("pass", output=done.stdout)
    file, line = place_in(done.stdout, shop.graph)
    names = _DRIVER_ERROR.findall(done.stdout)
    known = [code for name in names if (code := _SQLSTATES.get(name) or _SQLSTATES.get(name.removesuffix("Error")))]
    return Said(
        "blocked",
        revision=shop.graph.by_file.get(file, ""),
        sqlstate=known[-1] if known else "",
        file=file,
        line=line,
        output=done.stdout,
    )


def place_in(output: str, graph: Graph) -> tuple[str, int | None]:
    """Return file and line of the last frame in a revision's file: the innermost of the last traceback."""
    found: tuple[str, int | None] = ("", None)
    for match in _FRAME.finditer(output):
        file, line = (match[1], match[2]) if match[1] else (match[3], match[4])
        if file in graph.by_file:
            found = (file, int(line))
    return found


def with_log(said: Said, records: list[LogRecord]) -> Said:
    """Add what the server logged; it also tells the SQLSTATE where the output doesn't."""
    logged = tuple(record.sqlstate for record in records)
    sqlstate = said.sqlstate or (logged[-1] if logged and said.verdict == "blocked" else "")
    return Said(said.verdict, said.revision, sqlstate, said.file, said.line, logged, said.output)


def rehearsed(shop: Workshop, dump: Path, *more: str) -> tuple[Said, dict[str, Any]]:
    """Rehearse the same upgrade with the tool, the project pointing at a server that isn't there."""
    shop.write(NOWHERE)
    argv = [sys.executable, "-m", "alembic_rehearsal", "run", "--dump", os.fspath(dump), "--format", "json"]
    # What would mend it is another question, and costs two more runs each.
    argv.append("--no-remedies")
    # A bare upgrade that does nothing where the revision would do something ends with 0 too, and so does one that could
    # not be done in two parts.
    argv += ["--divergence", "off", "--idempotence", "off"]
    argv += ["-d", os.fspath(shop.folder), "--python", os.fspath(shop.python), *more]
    argv += [word for table in shop.history.rows for word in ("--include-data", table)]
    if shop.history.upgrade[0] != "alembic":
        line = shlex.join(filled(word, home=os.fspath(shop.home)) for word in shop.history.upgrade)
        argv += ["--command", line]
    done = subprocess.run(
        argv,
        env=shop.environ(NOWHERE),
        capture_output=True,
        text=True,
        timeout=2 * _TIMEOUT_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return Said(f"exit {done.returncode}", output=done.stdout + done.stderr), {}
    return _said(report), report


def _said(report: dict[str, Any]) -> Said:
    wanted = "error" if report["verdict"] == "blocked" else "unproved"
    first = next((each for each in report["findings"] if each["severity"] == wanted), None)
    if first is None:
        return Said(report["verdict"])
    place = first["location"] or {}
    return Said(
        report["verdict"],
        revision=first["revision"],
        sqlstate=first["sqlstate"],
        file=Path(place.get("path", "")).name,
        line=place.get("line"),
        output=first["message"],
        cause=(first["cause"] or {}).get("id", ""),
        equals=(first["cause"] or {}).get("revision", ""),
    )
