"""System calls that Python has no function for."""

from __future__ import annotations

import ctypes
import functools
import os
import sys

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_DUMPABLE = 4


@functools.lru_cache(maxsize=1)
def libc() -> ctypes.CDLL:
    """Return the C library of this process; its functions leave their errno for `checked`."""
    return ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> int:
    """Return *result*, or raise what it stands for.

    Raises:
        OSError: it is negative.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)


def forbid_new_privileges() -> None:
    """Keep the calling thread from ever gaining privileges by an exec, prctl(2).

    Without CAP_SYS_ADMIN the kernel wants this before a fence: a set-user-ID program must not run inside of one.

    Raises:
        OSError: the kernel refused.
    """
    zero = ctypes.c_ulong(0)
    checked(libc().prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero))


def hide_process() -> None:
    """Keep other processes of the same user from this one's memory, variables and open files; its children start anew.

    Only one with CAP_SYS_PTRACE could still look, and a container's root has it not.
    Source: https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html and ptrace(2), access mode checking
    """
    if sys.platform == "linux":
        zero = ctypes.c_ulong(0)
        checked(libc().prctl(_PR_SET_DUMPABLE, zero, zero, zero, zero))
