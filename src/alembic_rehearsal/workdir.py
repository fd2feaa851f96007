"""Where a run keeps its files: a private directory that is gone afterwards, and a cache that stays."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from alembic_rehearsal import cache, proc
from alembic_rehearsal.errors import ServerError

_NAME = "alembic-rehearsal"

# sockaddr_un's sun_path holds 108 bytes on Linux (unix(7)), 104 on macOS, the closing zero included.
SOCKET_PATH_LIMIT = 103

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
# What a run directory's path may grow by: "/<run>/<attempt>/sock/.s.PGSQL.65535".
_SOCKET_TAIL = len("/12345678/0/sock/.s.PGSQL.65535")


# Memory that a run in it leaves to everybody else.
_SPARE_BYTES = 2 << 30
# A fresh server's files, a restored schema and two clones of it.
_SERVER_BYTES = 1 << 30


def restored_bytes(dump: str) -> int:
    """Return how much a dump may amount to at most, as long as it is small: SQL compresses to a tenth or so."""
    path = Path(dump)
    files = path.rglob("*") if path.is_dir() else (path,)
    return 20 * sum(file.stat().st_size for file in files if file.is_file()) if dump else 0


def memory_wanted(expected: int) -> int:
    """Return how much memory is free, in bytes, where a server that restores *expected* bytes may be in it."""
    return _SERVER_BYTES + 3 * expected + _SPARE_BYTES


@contextlib.contextmanager
def run_directory(*, expected_bytes: int | None = None) -> Iterator[Path]:
    """Make this run's own directory, and remove it on every way out.

    Its name is short enough for a Unix socket's path. A lock file beside it, held as long as this
    process lives, tells later runs that it is alive; what earlier runs left dead is removed first.

    Args:
        expected_bytes: what will be restored, at most. When it is given and the machine has plenty of memory for
            it, the directory lies in memory: a thousand files are made there in no time, while ext4
            takes up to a second when as many were deleted a minute ago (recently_deleted in fs/ext4/ialloc.c).

    Raises:
        ServerError: there is no place to write to.
    """
    base = _base(_memory_places(expected_bytes) + _temporary_places())
    sweep()
    with contextlib.suppress(ServerError):
        cache.tidy(cache_directory())
    name, lock = _claim(base)
    directory = base / name
    try:
        # The unprivileged server must get through to its own part, and root's part must not be listed.
        directory.mkdir(mode=0o700)
        if proc.unprivileged() is not None:
            directory.chmod(0o711)
        yield directory
    finally:
        # A second signal may end any of these calls; the next run's sweep then does the rest.
        try:
            _bury(directory)
        finally:
            os.close(lock)
            with contextlib.suppress(OSError):
                (base / f"{name}.lock").unlink()


def is_alive(base: Path, name: str) -> bool:
    """Return whether the run of this name holds its lock."""
    try:
        handle = os.open(base / f"{name}.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def sweep() -> None:
    """Remove the directories of this account's runs that are dead, and end what still runs in them."""
    for place in (_SHARED_MEMORY, *_temporary_places()):
        base = place / f"{_NAME}-{os.geteuid()}"
        with contextlib.suppress(OSError):
            if base.lstat().st_uid == os.geteuid():
                _sweep(base)


def _sweep(base: Path) -> None:
    for entry in sorted(base.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            if not is_alive(base, entry.name):
                with contextlib.suppress(OSError):
                    _bury(entry)
        elif entry.suffix == ".lock":
            _drop_stale_lock(entry)


def cache_directory() -> Path:
    """Return the directory that outlives runs: installations and initialised data directories.

    When the tool is root, it is one that the unprivileged server may enter too.

    Raises:
        ServerError: no place for it is writable.
    """
    for place in _cache_places():
        with contextlib.suppress(OSError):
            place.mkdir(mode=0o755, parents=True, exist_ok=True)
            _check_own(place)
            if os.access(place, os.W_OK | os.X_OK) and (proc.unprivileged() is None or others_may_enter(place)):
                return place
    tried = ", ".join(map(str, _cache_places()))
    message = f"no directory for the cache can be written to: tried {tried}"
    raise ServerError(message, fix="export XDG_CACHE_HOME=/some/writable/directory")


def others_may_enter(path: Path) -> bool:
    """Return whether any account may reach what lies at `path`."""
    resolved = path.resolve()
    with contextlib.suppress(OSError):
        return all(place.stat().st_mode & stat.S_IXOTH for place in (resolved, *resolved.parents))
    return False


def _base(places: list[Path]) -> Path:
    """Return the directory that holds all runs of this account, in the first of these places that will do.

    Raises:
        ServerError: none can be made.
    """
    reasons = []
    for place in places:
        base = place / f"{_NAME}-{os.geteuid()}"
        if len(os.fsencode(base)) + _SOCKET_TAIL > SOCKET_PATH_LIMIT:
            reasons.append(f"{place}: too long for a Unix socket's path")
            continue
        try:
            base.mkdir(mode=0o700, exist_ok=True)
            _check_own(base)
            base.chmod(0o711 if proc.unprivileged() is not None else 0o700)
            with tempfile.TemporaryFile(dir=base) as probe:
                probe.write(b"room")
        except OSError as error:
            reasons.append(f"{place}: {error.strerror or error}")
            continue
        if proc.unprivileged() is not None and not others_may_enter(base):
            reasons.append(f"{place}: only root may enter it, and PostgreSQL doesn't run as root")
            continue
        return base
    message = "no directory for temporary files can be used: " + "; ".join(reasons)
    raise ServerError(message, fix="export TMPDIR=/some/writable/directory")


def _memory_places(expected_bytes: int | None) -> list[Path]:
    """Return /dev/shm where it is big enough by far, else nothing. In most containers it has 64 MiB.

    A TMPDIR that somebody set says where they want it.
    """
    if expected_bytes is None or sys.platform != "linux" or "TMPDIR" in os.environ:
        return []
    with contextlib.suppress(OSError, ValueError):
        memory = Path("/proc/meminfo").read_text(encoding="utf-8").split("MemAvailable:", 1)[1]
        free = min(shutil.disk_usage(_SHARED_MEMORY).free, int(memory.split()[0]) * 1024, _control_group_bytes())
        if free >= memory_wanted(expected_bytes) and os.path.ismount(_SHARED_MEMORY):
            return [_SHARED_MEMORY]
    return []


def _control_group_bytes() -> int:
    """Return how much memory a container's limit leaves, as cgroup v2 shows it inside."""
    root = Path("/sys/fs/cgroup")
    try:
        limit = (root / "memory.max").read_text(encoding="utf-8").strip()
        used = int((root / "memory.current").read_text(encoding="utf-8"))
    except OSError:
        return sys.maxsize
    return sys.maxsize if limit == "max" else int(limit) - used


def _temporary_places() -> list[Path]:
    """Return candidates for temporary files, best first, each once."""
    # Not tempfile.gettempdir(): it remembers, and silently ends at the current directory.
    wanted = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "") if proc.unprivileged() is None else ""
    places = [Path(os.path.abspath(p)) for p in (*wanted, "/tmp", "/var/tmp", runtime) if p]  # noqa: PTH100, S108
    return list(dict.fromkeys(places))


def _cache_places() -> list[Path]:
    places = [Path(place) for place in [os.environ.get("XDG_CACHE_HOME", "")] if os.path.isabs(place)]  # noqa: PTH117
    if proc.unprivileged() is not None:
        places.append(Path("/var/cache"))
    else:
        with contextlib.suppress(RuntimeError):
            home = Path.home()
            places.append(home / "Library/Caches" if sys.platform == "darwin" else home / ".cache")
    named = [place / _NAME for place in places]
    return [*named, *(place / f"{_NAME}-{os.geteuid()}-cache" for place in _temporary_places())]


def _check_own(path: Path) -> None:
    """Refuse a directory that somebody else made, or may write to.

    Raises:
        OSError: it isn't ours alone.
    """
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        message = "it belongs to somebody else"
        raise PermissionError(None, message)
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        path.chmod(stat.S_IMODE(found.st_mode) & ~(stat.S_IWGRP | stat.S_IWOTH))


def _claim(base: Path) -> tuple[str, int]:
    """Take a new name and lock it; return the name and the lock's descriptor."""
    while True:
        name = secrets.token_hex(4)
        place = base / f"{name}.lock"
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between the two calls a sweep may have taken the file for a dead run's and removed it.
            if os.fstat(handle).st_ino == place.stat().st_ino:
                return name, handle
        os.close(handle)


def _drop_stale_lock(lock: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not lock.with_suffix("").exists():
                lock.unlink()
        finally:
            os.close(handle)


def _bury(directory: Path) -> None:
    """End the servers that still run in a run's directory and remove it."""
    # NOTE: by depth, not rglob: a restored database has thousands of files.
    for pattern in ("*/postmaster.pid", "*/*/postmaster.pid"):
        for pid_file in directory.glob(pattern):
            _kill_postmaster(pid_file)
    for _ in range(20):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        # A dying backend may still have written a file.
        time.sleep(0.05)


def _kill_postmaster(pid_file: Path) -> None:
    """Kill the server whose data directory this is, if it still runs.

    The file's first line is the postmaster's process id,
    https://www.postgresql.org/docs/current/storage-file-layout.html
    """
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + 5
    number = signal.SIGQUIT
    while _works_in(pid, pid_file.parent):
        with contextlib.suppress(OSError):
            os.kill(pid, number)
        if time.monotonic() > deadline:
            number = signal.SIGKILL
        if time.monotonic() > deadline + 5:
            return
        time.sleep(0.01)


def _works_in(pid: int, data: Path) -> bool:
    """Return whether the process is a server of this data directory, which is where a postmaster works."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
        return False
    listed = proc.run(["ps", "-o", "command=", "-p", str(pid)], timeout_s=10, check=False)
    return os.fsencode(data) in listed.stdout
