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

from alembic_rehearsal.syscalls import checked, forbid_new_privileges, libc

# The same numbers on every architecture that entered the kernel after 5.1's unified table,
# https://github.com/torvalds/linux/blob/v6.7/include/uapi/asm-generic/unistd.h
_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446

_CREATE_RULESET_VERSION = 1
_RULE_NET_PORT = 2
_ACCESS_NET_CONNECT_TCP = 2

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
    version = libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_CREATE_RULESET_VERSION))
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
    call = libc().syscall
    attr = _RulesetAttr(0, _ACCESS_NET_CONNECT_TCP)
    ruleset = checked(
        call(_CREATE_RULESET, ctypes.byref(attr), ctypes.c_size_t(ctypes.sizeof(attr)), ctypes.c_uint32(0))
    )
    try:
        for port in sorted(set(tcp_ports)):
            rule = _NetPortAttr(_ACCESS_NET_CONNECT_TCP, port)
            checked(call(_ADD_RULE, ruleset, _RULE_NET_PORT, ctypes.byref(rule), ctypes.c_uint32(0)))
        forbid_new_privileges()
        checked(call(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)
