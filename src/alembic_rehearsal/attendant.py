"""Answers every connect() of a guarded process: anything may go on but a Unix socket of PostgreSQL's.

The kernel's side is `seccomp.notify_connects`; structures and ioctls: seccomp_unotify(2), linux/seccomp.h. The address
is read from the process's memory, and the kernel reads it once more afterwards: a program that changes it between the
two gets through. The guard is against mistakes, not against an attacker in the migration itself.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import select
import socket
import struct
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from alembic_rehearsal import unixdiag

# struct seccomp_notif: id, pid, flags; struct seccomp_data: nr, arch, instruction_pointer, args[6].
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
# struct seccomp_notif_resp: id, val, error, flags.
_ANSWER = struct.Struct("=QqiI")
_CONTINUE = 1
_RECEIVE = 0xC0502100
_SEND = 0xC0182101
# With the direction that it had at first, which every kernel knows.
_ID_VALID = 0x80082102

# struct sockaddr_storage is as long.
_LONGEST_ADDRESS = 128
# libpq, and so whatever wants to be connected to by libpq, names its socket like this:
# https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-UNIX-SOCKET-DIRECTORIES
_POSTGRES = re.compile(r"\.s\.PGSQL\.\d+")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A connection that was refused; an abstract socket's *path* begins with "@", an unreadable one is ""."""

    path: str
    program: str


class Attendant:
    """Sits at the listener until the last guarded process is gone.

    Args:
        listener: of `seccomp.notify_connects`; closed in the end.
        sockets: False refuses every Unix socket.
        own_socket: path of the one socket of PostgreSQL's that is allowed.

    Attributes:
        refused: so far, each once.
    """

    def __init__(self, listener: int, *, sockets: bool = True, own_socket: str = "") -> None:
        self._listener = listener
        self._sockets = sockets
        self._own = os.path.realpath(own_socket) if own_socket else ""
        self.refused: list[Refusal] = []
        threading.Thread(target=self._attend, name="attendant of connect()", daemon=True).start()

    def _attend(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        try:
            while True:
                [(_, happened)] = poll.poll() or [(0, 0)]
                if happened & select.POLLIN:
                    self._answer_one()
                elif happened:  # POLLHUP: nobody is left behind the filter
                    return
        finally:
            # Whoever might still wait fails with ENOSYS.
            os.close(self._listener)

    def _answer_one(self) -> None:
        notification = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, notification)
        except OSError as error:
            # The process was killed in the meantime.
            if error.errno in (errno.ENOENT, errno.EINTR):
                return
            raise
        number, thread, _, _, _, _, descriptor, address, length, *_ = _NOTIFICATION.unpack(notification)
        path = _wanted(thread, descriptor & 0xFFFFFFFF, address, length & 0xFFFFFFFF)
        refusal = None if path is None or self._may(thread, path) else Refusal(_shown(path), _program(thread))
        answer = _ANSWER.pack(number, 0, -errno.EACCES, 0) if refusal else _ANSWER.pack(number, 0, 0, _CONTINUE)
        with contextlib.suppress(OSError):
            # The thread's number may be another's by now, and what was read of it; then this says ENOENT.
            fcntl.ioctl(self._listener, _ID_VALID, struct.pack("=Q", number))
            if refusal and refusal not in self.refused:
                self.refused.append(refusal)
            fcntl.ioctl(self._listener, _SEND, answer)

    def _may(self, thread: int, path: str) -> bool:
        if not path or not self._sockets:
            return False
        name = path.rpartition("/")[2]
        if path.startswith("@"):
            return not _is_postgres(name)
        place = _resolved(thread, path)
        if self._own and place == self._own:
            return True
        return not (_is_postgres(name) or _is_postgres(place) or _was_postgres(place))


def _is_postgres(path: str) -> bool:
    return bool(_POSTGRES.fullmatch(path.rpartition("/")[2]))


def _was_postgres(place: str) -> bool:
    """Say whether the socket at this file was bound under a name of PostgreSQL's: it was renamed, or this is a link."""
    try:
        found = Path(place).stat()
        bound = unixdiag.listening()
    except OSError:
        # Nothing is there, or the kernel doesn't tell: then its names decide.
        return False
    return any(each.is_at(found) and _is_postgres(each.name) for each in bound)


def _wanted(thread: int, descriptor: int, address: int, length: int) -> str | None:
    """Return the path of the Unix socket that is wanted, None for another family's, "" if it can't be told."""
    try:
        memory = os.open(f"/proc/{thread}/mem", os.O_RDONLY)
        try:
            raw = os.pread(memory, min(length, _LONGEST_ADDRESS), address)
        finally:
            os.close(memory)
    except (OSError, OverflowError):
        # Another's process, or Yama forbids to look. Landlock judges the other families.
        return "" if _is_unix(thread, descriptor) else None
    if len(raw) <= 2 or int.from_bytes(raw[:2], sys.byteorder) != socket.AF_UNIX:
        return None
    if raw[2:3] == b"\0":
        return "@" + os.fsdecode(raw[3:].rstrip(b"\0"))
    return os.fsdecode(raw[2:].split(b"\0")[0])


def _is_unix(thread: int, descriptor: int) -> bool:
    """Say whether it is a Unix socket; what can't be told is taken for one."""
    try:
        inode = os.fspath(Path(f"/proc/{thread}/fd/{descriptor}").readlink()).removeprefix("socket:[").removesuffix("]")
        listed = Path(f"/proc/{thread}/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return True
    # Num RefCount Protocol Flags Type St Inode Path, see proc_pid_net(5).
    return any(inode in line.split()[6:7] for line in listed)


def _resolved(thread: int, path: str) -> str:
    """Return *path* without its symbolic links, as the thread sees it."""
    try:
        here = Path(f"/proc/{thread}/cwd").readlink()
        root = Path(f"/proc/{thread}/root").readlink()
    except OSError:
        here = root = Path("/")
    return os.path.realpath(root / path.lstrip("/") if path.startswith("/") else here / path)


def _shown(path: str) -> str:
    return os.fsencode(path).decode(errors="replace")


def _program(thread: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{thread}/comm").read_text(encoding="utf-8", errors="replace").strip()
    return "a process"
