"""Landlock around processes."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from alembic_rehearsal import proc, sandbox

_needs_landlock = pytest.mark.skipif(not sandbox.available(), reason="the kernel has no Landlock rules for TCP")

_CONNECT = """
import socket, sys
for port in map(int, sys.argv[1:]):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        print("connected")
    except OSError as error:
        print(type(error).__name__)
"""


@pytest.fixture
def listeners() -> Iterator[tuple[int, int]]:
    """Two ports of 127.0.0.1 that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        yield one.getsockname()[1], two.getsockname()[1]


def _attempt(ports: tuple[int, ...], allowed: tuple[int, ...] | None, *, through: tuple[str, ...] = ()) -> list[str]:
    argv = [*through, sys.executable, "-c", _CONNECT, *map(str, ports)]
    child = proc.spawn(argv, tcp_ports=allowed, stdout=subprocess.PIPE)
    assert child.stdout is not None
    said = child.stdout.read().decode().split()
    child.wait(10)
    assert child.guarded == (allowed is not None and sandbox.available())
    child.stop(0)
    return said


@_needs_landlock
def test_only_the_allowed_port_can_be_connected_to(listeners: tuple[int, int]) -> None:
    """The kernel answers EACCES for the other one."""
    assert _attempt(listeners, (listeners[0],)) == ["connected", "PermissionError"]


@_needs_landlock
def test_no_port_at_all_may_be_allowed(listeners: tuple[int, int]) -> None:
    """An empty collection is not the same as none given."""
    assert _attempt(listeners, ()) == ["PermissionError", "PermissionError"]


@_needs_landlock
def test_descendants_inherit_the_fence(listeners: tuple[int, int]) -> None:
    """A shell in between changes nothing."""
    assert _attempt(listeners, (), through=("sh", "-c", '"$@"; exit', "sh")) == ["PermissionError"] * 2


def test_without_ports_there_is_no_fence(listeners: tuple[int, int]) -> None:
    """The default leaves a child as it is."""
    assert _attempt(listeners, None) == ["connected", "connected"]


@_needs_landlock
def test_the_tool_itself_stays_free(listeners: tuple[int, int]) -> None:
    """The restriction holds for the thread that starts the child, which ends with it."""
    _attempt(listeners, ())

    socket.create_connection(("127.0.0.1", listeners[1])).close()


def test_a_kernel_without_landlock_is_said(listeners: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The child starts, and `guarded` tells that nothing holds it."""
    monkeypatch.setattr(sandbox, "abi", lambda: 3)

    assert _attempt(listeners, ()) == ["connected", "connected"]
