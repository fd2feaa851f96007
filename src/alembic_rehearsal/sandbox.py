"""Where a process and its descendants may connect to: Landlock judges TCP, seccomp Unix sockets."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from dataclasses import dataclass

from alembic_rehearsal import landlock, seccomp
from alembic_rehearsal.attendant import Attendant

TCP = "tcp"
UNIX = "unix"
BOTH = frozenset((TCP, UNIX))


@dataclass(frozen=True, slots=True)
class Fence:
    """What is allowed.

    Attributes:
        tcp_ports: by TCP, these ports.
        connects: False refuses connect() altogether, whatever the address.
        datagrams: but UDP may be used, where Landlock judges TCP.
        own_socket: path of the one Unix socket of PostgreSQL's that is allowed; the others' names are not.
    """

    tcp_ports: Collection[int]
    connects: bool = True
    datagrams: bool = False
    own_socket: str = ""


NOWHERE = Fence((), connects=False)


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of *fence*: the *guards* that hold, and the *listener* that somebody has to attend to."""

    fence: Fence = NOWHERE
    guards: frozenset[str] = frozenset()
    listener: int | None = None

    def attend(self) -> Attendant | None:
        """Answer from now on, in a thread of its own; to be called by a thread that is not in the fence itself."""
        if self.listener is None:
            return None
        return Attendant(self.listener, sockets=self.fence.connects, own_socket=self.fence.own_socket)

    def close(self) -> None:
        """Give the listener up, so that nobody waits for an answer."""
        if self.listener is not None:
            os.close(self.listener)


def available(fence: Fence = NOWHERE) -> frozenset[str]:
    """Return the guards that this kernel has for *fence*."""
    by_landlock = {TCP} if landlock.available() else set()
    if fence.connects:
        return frozenset(by_landlock | ({UNIX} if seccomp.can_notify() else set()))
    return frozenset(by_landlock | (BOTH if seccomp.can_refuse() else set()))


def enter(fence: Fence) -> Entered:
    """Put the calling thread, and what it starts from now on, behind *fence*, as far as the kernel can.

    There is no way back for the thread. Other threads of the process are not touched.

    Raises:
        OSError: the kernel has Landlock and refused.
    """
    guards: set[str] = set()
    judged = seccomp.can_notify() and (fence.connects or (fence.datagrams and landlock.available()))
    if landlock.available():
        landlock.restrict_thread(fence.tcp_ports)
        guards.add(TCP)
    # Refused where a container's own filter forbids it, or where somebody attends to this process already.
    with contextlib.suppress(OSError):
        if judged:
            return Entered(fence, frozenset({*guards, UNIX}), seccomp.notify_connects())
    with contextlib.suppress(OSError):
        if not fence.connects and seccomp.can_refuse():
            seccomp.refuse_connects()
            guards |= BOTH
    return Entered(fence, frozenset(guards))
