"""Initialised data directories: made once per build of PostgreSQL, then copied for each run."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from alembic_rehearsal import proc, workdir
from alembic_rehearsal.cache import drop, used
from alembic_rehearsal.errors import ProcessFailed, ServerError
from alembic_rehearsal.postgres.cluster import ADMIN
from alembic_rehearsal.postgres.installation import Installation

# The socket's directory lets only the tool's own account and the server's in, so trust is enough there.
# https://www.postgresql.org/docs/current/auth-pg-hba-conf.html
_HBA = f"""\
local all {ADMIN} trust
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""

# Production is nearly always UTF8 with a UTF-8 ctype. C.UTF-8 needs no locale package and sorts by code
# point; where the C library doesn't have it, plain C.
_LOCALES = ("C.UTF-8", "C")

# A fresh server takes 30 MB, and a restored schema as much again.
_LEAST_ROOM_BYTES = 100_000_000


def initialised(installation: Installation) -> Path:
    """Return the cached data directory of this build, made now if there is none.

    Safe when two runs race for it: each builds its own and the first to rename wins.

    Raises:
        ServerError: initdb failed.
    """
    cache = workdir.cache_directory()
    ready = cache / f"data-{installation.key}"
    if ready.is_dir():
        return used(ready)
    building = cache / f".data-{installation.key}-{secrets.token_hex(4)}"
    try:
        building.mkdir(mode=0o755)
        data = building / "data"
        _initdb(installation, building, data)
        (data / "pg_hba.conf").write_text(_HBA, encoding="utf-8")
        if proc.unprivileged() is not None:
            # Everybody copies it, nobody but root changes it.
            _give(data, 0, 0)
        with contextlib.suppress(FileExistsError, OSError):
            data.rename(ready)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    if not ready.is_dir():
        message = f"the cache directory {cache} can't be written to"
        raise ServerError(message, fix="export XDG_CACHE_HOME=/some/writable/directory")
    return ready


def forget(installation: Installation) -> None:
    """Drop the cached directory: a server didn't come up from a copy of it."""
    drop(workdir.cache_directory() / f"data-{installation.key}")


def _initdb(installation: Installation, building: Path, data: Path) -> None:
    account = proc.unprivileged()
    if account is not None:
        os.chown(building, account.uid, account.gid)
    failure: ProcessFailed | None = None
    for locale in _LOCALES:
        try:
            proc.run(
                [
                    os.fspath(Path(installation.bindir) / "initdb"),
                    f"--pgdata={data}",
                    f"--username={ADMIN}",
                    "--auth=trust",
                    "--encoding=UTF8",
                    f"--locale={locale}",
                    "--no-sync",
                    # A whole segment is written for every copy: 1 MB instead of 16.
                    "--wal-segsize=1",
                    *(["--no-instructions"] if installation.major >= 14 else []),
                    *(["--no-data-checksums"] if installation.major >= 18 else []),
                ],
                timeout_s=120,
                env=server_environment(),
                cwd=building,
                user=account,
            )
        except ProcessFailed as error:
            failure = failure or error
            shutil.rmtree(data, ignore_errors=True)
        else:
            return
    lines = (failure.stderr if failure else "").strip().splitlines()
    message = f"initdb of PostgreSQL {installation.version} failed: {' / '.join(lines[-6:]) or failure}"
    short = lack_of_room(building)
    raise ServerError(message + short, fix=short and "free some space, or export XDG_CACHE_HOME=/a/directory/with/room")


def server_environment() -> dict[str, str]:
    """Return the environment of initdb and the server: nothing of the user's PG* and LC_* gets in."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ") if name in os.environ
    }
    return {"PATH": os.defpath, "LC_ALL": "C", **kept}


def lack_of_room(place: Path) -> str:
    """Return what to add to a failure's message when the disk is all but full, else nothing.

    On a full disk the program's own words may be lost, since its log lies there too.
    """
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(place).free
        if free < _LEAST_ROOM_BYTES:
            return f"; only {free // 1_000_000} MB are free in {place}"
    return ""


def _give(tree: Path, uid: int, gid: int) -> None:
    """Hand a tree over and let everybody read it."""
    for folder, _, files in os.walk(tree):
        os.chown(folder, uid, gid)
        Path(folder).chmod(0o755)
        for name in files:
            place = Path(folder) / name
            os.chown(place, uid, gid, follow_symlinks=False)
            place.chmod(0o644)
