"""Trials that begin where the command waited for its first connection: the tool's side of the probe's nursery."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import time
from pathlib import Path

from alembic_rehearsal import trace
from alembic_rehearsal.attendant import Refusal
from alembic_rehearsal.errors import ProcessFailed
from alembic_rehearsal.probe.rehearsal_probe import nursery as probe_nursery

_POLL_S = 0.005
_START_S = 10.0


class Nursery:
    """The fifo on which trials are asked for; the process at its other end ends when this one closes it, or dies.

    Args:
        directory: of the true run.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        os.mkfifo(directory / probe_nursery.FIFO, 0o600)
        # For reading too, so that it can be opened before there is a reader.
        self._fifo = os.open(directory / probe_nursery.FIFO, os.O_RDWR | os.O_NONBLOCK)

    @functools.cached_property
    def settled(self) -> bool:
        """Whether there is a nursery, and the command that it is a copy of was one process; once that has ended."""
        connected = {each["pid"] for each in self._told if each["event"] == "connect"}
        return bool(self._own) and not self._own[0]["obstacle"] and len(connected) == 1

    @functools.cached_property
    def reads_revisions(self) -> bool:
        """Whether its copies are still to read the revision files."""
        return self.settled and self._own[0]["revisions_read"] is False

    @functools.cached_property
    def _own(self) -> list[trace.Event]:
        return [each for each in self._told if each["event"] == "nursery"]

    @functools.cached_property
    def _told(self) -> list[trace.Event]:
        kinds = ("nursery", "connect")
        return [each for each in trace.events(self._directory / "events.jsonl") if each["event"] in kinds]

    def fork(self, directory: Path, guards: frozenset[str]) -> Forked:
        """Begin a trial whose exchange is in *directory*.

        Raises:
            ProcessFailed: the nursery does not answer.
        """
        os.write(self._fifo, os.fsencode(directory) + b"\n")
        file, until = directory / probe_nursery.PID, time.monotonic() + _START_S
        while not file.exists():
            if time.monotonic() > until:
                message = "the copy of the command doesn't answer"
                raise ProcessFailed(message, status=None)
            time.sleep(_POLL_S)
        return Forked(directory, int(file.read_text(encoding="ascii")), guards)

    def close(self) -> None:
        """Let it go."""
        os.close(self._fifo)


class Forked:
    """A trial's process, as `proc.Child` is one that was started.

    Attributes:
        guards: those that keep it, inherited from the command.
        refused: nothing; whoever guards the command keeps the account of both.
    """

    refused: tuple[Refusal, ...] = ()

    def __init__(self, directory: Path, pid: int, guards: frozenset[str]) -> None:
        self._status = directory / probe_nursery.STATUS
        self._pid = pid
        self.guards = guards

    def poll(self) -> int | None:
        """Return its status, None while it runs."""
        return int(self._status.read_text(encoding="ascii")) if self._status.exists() else None

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for its end and return the status; None when the time ran out first."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while self.poll() is None and (until is None or time.monotonic() < until):
            time.sleep(_POLL_S)
        return self.poll()

    def stop(self, grace_s: float = 5.0) -> int | None:
        """End its process group, of which the nursery kills what is left."""
        if grace_s > 0:
            self._signal(signal.SIGTERM)
            self.wait(grace_s)
        self._signal(signal.SIGKILL)
        return self.wait(5.0)

    def _signal(self, number: int) -> None:
        # Once it is reaped its number may be another's.
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, number)
