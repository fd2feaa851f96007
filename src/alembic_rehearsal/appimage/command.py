"""The command in its container, as `rehearse` knows a command: released, waited for, stopped.

What the two sides tell each other goes through the container's own streams, see `probe/keeper.py`: a directory that
both could see would have to be the engine's, and this process may be in a container itself, or on another machine. A
copy of the events is written here as they come: they can be read while the command runs, and after it was killed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from alembic_rehearsal import sandbox, trace
from alembic_rehearsal.appimage.sources import Sources
from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.model import Endpoint
from alembic_rehearsal.postgres import relay

PORT = 5432
"""Where the server listens in the network that both containers share."""

_STDERR = 2
_START_S = 60.0
_HELLO = b'{"event": "keeper"}'
_ENDED = b'{"event": "keeper-ended"'


class ContainerCommand:
    """A command in a container; what it reports and prints is in the run's directory as on this machine."""

    # No network but the server's, and no file of the host's.
    guards = sandbox.BOTH

    def __init__(self, attached: socket.socket, directory: Path, sources: Sources) -> None:
        self._attached = attached
        self._directory = directory
        self._sources = sources
        self._status: int | None = None
        self._hello = threading.Event()
        self._ended = threading.Event()
        (directory / "output").touch()
        threading.Thread(target=self._listen, daemon=True, name="command").start()

    def began(self) -> bool:
        """Wait until its container's first process runs, and return whether it does."""
        self._hello.wait(_START_S)
        return not self._ended.is_set() or self._status is not None

    def release(self, endpoint: Endpoint) -> Endpoint:
        """Let its first connection go ahead, and return *endpoint* as it is in its network."""
        known = inside(endpoint)
        self._send(f"release {json.dumps(known.kwargs())}")
        return known

    def let_go(self, times: int) -> None:
        """Let it past the barrier before its revisions, for the *times*-th time."""
        self._send(f"go {times}")

    def poll(self) -> int | None:
        """Return its status, None while it runs.

        Raises:
            ServerError: its container is gone, and it had not ended.
        """
        if not self._ended.is_set():
            return None
        if self._status is None:
            raise ServerError("the container of the command was ended from outside, and the command in it")
        return self._status

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for its end and return its status; None when the time ran out first."""
        self._ended.wait(timeout_s)
        return self.poll()

    def stop(self, grace_s: float = 5.0) -> int | None:
        """End it: SIGTERM, `grace_s` to obey, SIGKILL."""
        if not self._ended.is_set():
            self._send(f"stop {grace_s:g}")
            self._ended.wait(grace_s + 5.0)
        return self._status

    def events(self) -> Iterator[trace.Event]:
        """Yield what the probe reported, with the paths of this repository."""
        return self._sources.localised(trace.events(self._directory / "events.jsonl"))

    def close(self) -> None:
        """Leave it alone: its container is being removed."""

    def _send(self, line: str) -> None:
        # Whoever no longer listens is about to be found ended.
        with contextlib.suppress(OSError):
            self._attached.sendall(line.encode("ascii") + b"\n")

    def _listen(self) -> None:
        try:
            with (
                contextlib.suppress(OSError),
                (self._directory / "events.jsonl").open("ab", buffering=0) as events,
                (self._directory / "output").open("ab", buffering=0) as output,
            ):
                self._copy(events, output)
        finally:
            # Also if what was heard can't be read: whoever waits must not wait for ever.
            self._ended.set()
            self._hello.set()

    def _copy(self, events: IO[bytes], output: IO[bytes]) -> None:
        told = b""
        for stream, content in relay.frames(self._attached.recv):
            if stream == _STDERR:
                output.write(content)
                continue
            whole, newline, told = (told + content).rpartition(b"\n")
            for line in (whole + newline).splitlines(keepends=True):
                self._hear(line, events)

    def _hear(self, line: bytes, events: IO[bytes]) -> None:
        if line.startswith(_HELLO):
            self._hello.set()
        elif line.startswith(_ENDED):
            self._status = int(json.loads(line)["status"])
        else:
            events.write(line)


def inside(endpoint: Endpoint) -> Endpoint:
    """Return *endpoint* as it is in the network of the server's container."""
    return dataclasses.replace(endpoint, host="127.0.0.1", port=PORT)
