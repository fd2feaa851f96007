"""What a directory of PostgreSQL binaries is: its version, where its files lie, what it can do."""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from alembic_rehearsal import proc, workdir
from alembic_rehearsal.cache import used
from alembic_rehearsal.errors import ProcessFailed, RehearsalError

# Grows whenever what is kept in the cache changes its form.
FORMAT = 1

_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)(?:\.\d+|beta\d+|rc\d+|devel)?)")


@dataclass(frozen=True, slots=True)
class Installation:
    """One PostgreSQL on this machine.

    Attributes:
        key: names this very build in the cache; another file or version has another.
        version: as the server prints it, "15.18".
    """

    bindir: str
    sharedir: str
    pkglibdir: str
    version: str
    major: int
    icu: bool
    key: str

    @property
    def extension_dir(self) -> Path:
        """Return where control files and scripts of extensions lie."""
        return Path(self.sharedir) / "extension"

    def extensions(self) -> frozenset[str]:
        """Return what CREATE EXTENSION finds, plpgsql left out."""
        with contextlib.suppress(OSError):
            names = {place.stem for place in self.extension_dir.glob("*.control")}
            return frozenset(names - {"plpgsql"})
        return frozenset()


def describe(bindir: Path) -> Installation | None:
    """Return what lies there; None when it isn't a whole server that can be run.

    Asked once a build: the answer is kept in the cache.
    """
    place = bindir.resolve()
    key = _key(place)
    if key is None:
        return None
    kept: Path | None = None
    with contextlib.suppress(RehearsalError, OSError, ValueError, TypeError):
        kept = workdir.cache_directory() / f"installation-{key}.json"
        found = Installation(**json.loads(kept.read_text(encoding="utf-8")))
        if Path(found.sharedir).is_dir():
            used(kept)
            return found
    fresh = _examine(place, key)
    if fresh is not None and kept is not None:
        with contextlib.suppress(OSError):
            partial = kept.with_suffix(f".{os.getpid()}")
            partial.write_text(json.dumps(asdict(fresh)), encoding="utf-8")
            partial.replace(kept)
    return fresh


def _key(bindir: Path) -> str | None:
    try:
        server, maker = (bindir / "postgres").stat(), (bindir / "initdb").stat()
    except OSError:
        return None
    facts = (FORMAT, os.fspath(bindir), server.st_mtime_ns, server.st_size, maker.st_mtime_ns, maker.st_size)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _examine(bindir: Path, key: str) -> Installation | None:
    with contextlib.suppress(ProcessFailed, OSError):
        said = proc.run([os.fspath(bindir / "postgres"), "--version"], timeout_s=30).stdout.decode()
        match = _VERSION.search(said)
        if match is None:
            return None
        major = int(match[2])
        sharedir = _first_with("postgres.bki", _share_places(bindir, major))
        library = "plpgsql.dylib" if sys.platform == "darwin" and major >= 16 else "plpgsql.so"
        pkglibdir = _first_with(library, _library_places(bindir, major))
        if sharedir and pkglibdir:
            return Installation(
                os.fspath(bindir), sharedir, pkglibdir, match[1], major, _has_icu(bindir / "postgres"), key
            )
    return None


def _asked(bindir: Path, what: str) -> Iterator[Path]:
    """Yield what pg_config says; it isn't everywhere."""
    with contextlib.suppress(ProcessFailed):
        said = proc.run([os.fspath(bindir / "pg_config"), what], timeout_s=30)
        yield Path(os.fsdecode(said.stdout).strip())


def _share_places(bindir: Path, major: int) -> Iterator[Path]:
    yield from _asked(bindir, "--sharedir")
    prefix = bindir.parent
    for name in ("share", "share/postgresql", f"share/postgresql@{major}", f"share/postgresql{major}", "share/pgsql"):
        yield prefix / name
    # Debian: /usr/lib/postgresql/15/bin and /usr/share/postgresql/15.
    yield prefix.parent.parent.parent / "share/postgresql" / str(major)


def _library_places(bindir: Path, major: int) -> Iterator[Path]:
    yield from _asked(bindir, "--pkglibdir")
    prefix = bindir.parent
    for name in ("lib", "lib/postgresql", f"lib/postgresql@{major}", f"lib/postgresql{major}", "lib64/pgsql"):
        yield prefix / name


def _first_with(name: str, places: Iterator[Path]) -> str:
    return next((os.fspath(place) for place in places if (place / name).is_file()), "")


def _has_icu(server: Path) -> bool:
    """Return whether the server calls ICU: the function's name is in the binary, with ICU's version behind it."""
    with server.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"ucol_open") >= 0
