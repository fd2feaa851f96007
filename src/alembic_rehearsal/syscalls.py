"""System calls that Python has no function for."""

from __future__ import annotations

import ctypes
import functools
import os

_PR_SET_NO_NEW_PRIVS = 38


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
