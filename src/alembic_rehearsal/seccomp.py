"""seccomp: what becomes of connect() in a thread and in all that it starts, decided by the kernel.

Most kernels' Landlock knows no Unix sockets, and a filter can't read the address, which lies in memory. So either
every connect() is refused, or each one is handed to whoever holds the listener, see seccomp_unotify(2).
Constants and structures: seccomp(2), linux/seccomp.h, linux/filter.h, linux/audit.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from dataclasses import dataclass

from alembic_rehearsal.syscalls import checked, forbid_new_privileges, libc

_SET_MODE_FILTER = 1
_GET_ACTION_AVAIL = 2
# Without the mitigation that a filter switched on until Linux 5.16, which costs a server some percent.
_FLAG_SPEC_ALLOW = 1 << 2
_FLAG_NEW_LISTENER = 1 << 3
# A signal doesn't end the wait for an answer, as Go's own signals would again and again; since Linux 5.19.
_FLAG_WAIT_KILLABLE_RECV = 1 << 5

_ALLOW = 0x7FFF0000
_NOTIFY = 0x7FC00000
_ERRNO = 0x00050000
_REFUSE = _ERRNO | errno.EACCES
# What a kernel without the call says; programs know how to go on without it.
_MISSING = _ERRNO | errno.ENOSYS

# BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGE | BPF_K, BPF_RET | BPF_K
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
# Offsets in struct seccomp_data; the first argument's lower half, both machines being little-endian.
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16

# The same number everywhere, https://github.com/torvalds/linux/blob/v5.5/include/uapi/asm-generic/unistd.h.
# A ring connects behind the back of every filter.
_IO_URING_SETUP = 425
# The calls of x86-64's 32-bit-pointer ABI have this bit, asm/unistd.h's __X32_SYSCALL_BIT.
_X32_BIT = 0x40000000
_SYS_CONNECT = 3  # linux/net.h, for socketcall(2)

# User notification that can let a call go on, SECCOMP_USER_NOTIF_FLAG_CONTINUE.
_NOTIFYING_LINUX = (5, 5)


@dataclass(frozen=True, slots=True)
class _Machine:
    """AUDIT_ARCH and system call numbers of a machine and of the 32-bit programs that it runs too."""

    audit: int
    seccomp: int
    connect: int
    audit32: int
    connect32: int
    socketcall32: int
    x32: bool


# asm/unistd_64.h, asm/unistd_32.h, asm-generic/unistd.h, arch/arm/tools/syscall.tbl
_MACHINES = {
    "x86_64": _Machine(0xC000003E, 317, 42, 0x40000003, 362, 102, x32=True),
    "aarch64": _Machine(0xC00000B7, 277, 203, 0x40000028, 283, 0, x32=False),
}


class _Instruction(ctypes.Structure):
    """struct sock_filter."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


def can_refuse() -> bool:
    """Return whether `refuse_connects` can work here."""
    return _knows(_ERRNO)


def can_notify() -> bool:
    """Return whether `notify_connects` can work here: Linux 5.5, and a /proc to read the address from."""
    numbers = os.uname().release.split("-")[0].split(".")[:2]
    known = tuple(int(number) for number in numbers if number.isdigit())
    return known >= _NOTIFYING_LINUX and _knows(_NOTIFY) and os.path.exists("/proc/self/mem")  # noqa: PTH110


def refuse_connects() -> None:
    """Let every connect() of the calling thread, and of what it starts from now on, fail with EACCES.

    Raises:
        OSError: the kernel refused.
    """
    _install(_REFUSE, 0)


def notify_connects() -> int:
    """Hand every connect() of the calling thread, and of what it starts from now on, to a listener; return it.

    Each waits for its answer, and fails with ENOSYS once the listener is closed. Those of another architecture than
    the machine's own fail with EACCES at once.

    Raises:
        OSError: the kernel refused; with EBUSY somebody else listens already.
    """
    try:
        return _install(_NOTIFY, _FLAG_NEW_LISTENER | _FLAG_WAIT_KILLABLE_RECV)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return _install(_NOTIFY, _FLAG_NEW_LISTENER)


def _install(connect: int, flags: int) -> int:
    machine = _machine()
    if machine is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    lines = _filter(machine, connect)
    instructions = (_Instruction * len(lines))(*(_Instruction(*line) for line in lines))
    program = _Program(len(lines), instructions)
    forbid_new_privileges()
    return checked(
        libc().syscall(
            ctypes.c_long(machine.seccomp),
            ctypes.c_uint(_SET_MODE_FILTER),
            ctypes.c_uint(flags | _FLAG_SPEC_ALLOW),
            ctypes.byref(program),
        )
    )


def _filter(machine: _Machine, connect: int) -> list[tuple[int, int, int, int]]:
    """Return the program: *connect* is what becomes of the call with the machine's own number for it."""
    own = [
        (_LOAD, 0, 0, _NUMBER),
        *([(_IF_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, _MISSING)] if machine.x32 else []),
        *_case(machine.connect, connect),
        *_case(_IO_URING_SETUP, _MISSING),
        (_RETURN, 0, 0, _ALLOW),
    ]
    multiplexed = [
        (_IF_EQUAL, 0, 3, machine.socketcall32),
        (_LOAD, 0, 0, _ARGUMENT),
        *_case(_SYS_CONNECT, _REFUSE),
    ]
    narrow = [
        (_IF_EQUAL, 1, 0, machine.audit32),
        (_RETURN, 0, 0, _MISSING),
        (_LOAD, 0, 0, _NUMBER),
        *_case(machine.connect32, _REFUSE),
        *_case(_IO_URING_SETUP, _MISSING),
        *(multiplexed if machine.socketcall32 else []),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return [(_LOAD, 0, 0, _ARCHITECTURE), (_IF_EQUAL, 0, len(own), machine.audit), *own, *narrow]


def _case(value: int, result: int) -> list[tuple[int, int, int, int]]:
    return [(_IF_EQUAL, 0, 1, value), (_RETURN, 0, 0, result)]


def _knows(action: int) -> bool:
    machine = _machine()
    if machine is None:
        return False
    asked = ctypes.c_uint32(action)
    return bool(
        libc().syscall(
            ctypes.c_long(machine.seccomp), ctypes.c_uint(_GET_ACTION_AVAIL), ctypes.c_uint(0), ctypes.byref(asked)
        )
        == 0
    )


def _machine() -> _Machine | None:
    """Return this machine's numbers; None where they aren't known, or Python itself is a 32-bit program."""
    if sys.platform != "linux" or sys.maxsize < 1 << 32:
        return None
    return _MACHINES.get(platform.machine())
