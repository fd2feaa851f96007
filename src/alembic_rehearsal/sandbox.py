"""Landlock: which TCP ports a process and its descendants may connect to, decided by the kernel.

The rules cover connect() over TCP only; UDP and Unix sockets are outside of what Landlock knows.
Constants and structures: https://docs.kernel.org/userspace-api/landlock.html and linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Collection

# The same numbers on every architecture that entered the kernel after 5.1's unified table,
# https://github.com/torvalds/linux/blob/v6.7/include/uapi/asm-generic/unistd.h
_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446

_CREATE_RULESET_VERSION = 1
_RULE_NET_PORT = 2
_ACCESS_NET_CONNECT_TCP = 2
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_DUMPABLE = 4

NETWORK_ABI = 4
"""The first Landlock ABI with rules for TCP, Linux 6.7."""


class _RulesetAttr(ctypes.Structure):
    """The first two fields of struct landlock_ruleset_attr, all that ABI 4 knows."""

    _fields_ = (("handled_access_fs", ctypes.c_uint64), ("handled_access_net", ctypes.c_uint64))


class _NetPortAttr(ctypes.Structure):
    """struct landlock_net_port_attr."""

    _fields_ = (("allowed_access", ctypes.c_uint64), ("port", ctypes.c_uint64))


@functools.lru_cache(maxsize=1)
def abi() -> int:
    """Return the kernel's Landlock ABI, 0 where there is none."""
    if sys.platform != "linux":
        return 0
    version = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_CREATE_RULESET_VERSION))
    return max(int(version), 0)


def available() -> bool:
    """Return whether `restrict_thread` can work here."""
    return abi() >= NETWORK_ABI


def restrict_thread(tcp_ports: Collection[int]) -> None:
    """Let the calling thread, and what it starts from now on, connect by TCP to these ports only.

    There is no way back for the thread. Other threads of the process are not touched.

    Raises:
        OSError: the kernel refused.
    """
    libc = _libc()
    attr = _RulesetAttr(0, _ACCESS_NET_CONNECT_TCP)
    ruleset = _checked(
        libc.syscall(_CREATE_RULESET, ctypes.byref(attr), ctypes.c_size_t(ctypes.sizeof(attr)), ctypes.c_uint32(0))
    )
    try:
        for port in sorted(set(tcp_ports)):
            rule = _NetPortAttr(_ACCESS_NET_CONNECT_TCP, port)
            _checked(libc.syscall(_ADD_RULE, ruleset, _RULE_NET_PORT, ctypes.byref(rule), ctypes.c_uint32(0)))
        # Without CAP_SYS_ADMIN the kernel wants this first: a set-user-ID program must not run inside the fence.
        zero = ctypes.c_ulong(0)
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero))
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)


def hide_process() -> None:
    """Keep other processes of the same user from this one's memory, variables and open files; its children start anew.

    Only one with CAP_SYS_PTRACE could still look, and a container's root has it not.
    Source: https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html and ptrace(2), access mode checking
    """
    if sys.platform == "linux":
        zero = ctypes.c_ulong(0)
        _checked(_libc().prctl(_PR_SET_DUMPABLE, zero, zero, zero, zero))


@functools.lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
