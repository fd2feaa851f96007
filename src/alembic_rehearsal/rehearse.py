"""One run of the project's command on one throw-away database.

The command is started before the database is there: most of its time goes into the project's own imports.
Its first connection waits in the probe until `Rehearsal.release`.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from alembic_rehearsal import forking, here, trace
from alembic_rehearsal.masking import masked
from alembic_rehearsal.model import Endpoint, LogRecord, Project, Trace
from alembic_rehearsal.probe.rehearsal_probe import overlay as probe_overlay

# What child processes log in as while the migrating role isn't known yet: the name stands in the environment
# from the command's start. Its sessions begin with SET ROLE to the migrating role.
PLACEHOLDER = "rehearsal_login"

# What env.py and what it imports may need of the outside: names, and the web. Production's database, its cache
# and its queue are at other ports.
_PORTS = (53, 80, 443)
_TAIL_LINES = 40
_POLL_S = 0.005
_GRACE_S = 3.0


class Command(Protocol):
    """A command that was started, wherever it runs.

    Attributes:
        guards: those of `sandbox` that keep it, and all that it starts, from other servers.
    """

    guards: frozenset[str]

    def release(self, endpoint: Endpoint) -> Endpoint:
        """Let its first connection go ahead, and return *endpoint* as the command knows it."""

    def let_go(self, times: int) -> None:
        """Let it past the barrier before its revisions, for the *times*-th time."""

    def poll(self) -> int | None:
        """Return its status, None while it runs."""

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for its end and return the status; None when the time ran out first."""

    def stop(self, grace_s: float = 5.0) -> int | None:
        """End it, with all that it has started."""

    def events(self) -> Iterator[trace.Event]:
        """Yield what the probe has reported."""

    def close(self) -> None:
        """Let go of what it has left."""


class Rehearsal:
    """A command that was started, waiting for its database or running on it.

    Attributes:
        endpoint: its database as the command knows it, once it is released.
        nursery: where others like it begin, if that was asked for.
    """

    def __init__(self, command: Command, directory: Path, root: str, nursery: forking.Nursery | None = None) -> None:
        self.nursery = nursery
        self._command = command
        self._directory = directory
        self._root = root
        self._released_at = time.monotonic()
        self.endpoint: Endpoint | None = None

    def release(self, endpoint: Endpoint) -> None:
        """Let the command's first connection go ahead, to *endpoint*."""
        self.endpoint = self._command.release(endpoint)
        self._released_at = time.monotonic()

    def finish(
        self,
        *,
        timeout_s: float,
        waiting_on: Callable[[], tuple[str, ...]],
        log: Callable[[], Sequence[LogRecord]],
        on_output: Callable[[str], None] | None = None,
        meanwhile: Callable[[], bool] | None = None,
    ) -> Trace:
        """Wait for the command's end, at most *timeout_s* from its release, and return what it did.

        *waiting_on* is asked for the locks when the time is over, before the command is stopped; *log* for
        the server's messages when it has ended. *meanwhile* is called again and again while it runs; when it says
        True the command is killed.
        """
        status = self._wait(timeout_s, on_output, meanwhile)
        waits: tuple[str, ...] = ()
        if status is None:
            waits = waiting_on()
        self._command.stop(_GRACE_S if status is None else 0)
        return trace.read(
            self._command.events(),
            root=self._root,
            exit_status=status,
            output_tail=_tail(self._directory / "output"),
            kernel_guards=tuple(sorted(self._command.guards)),
            log=tuple(log()),
            duration_s=time.monotonic() - self._released_at,
            waiting_on=waits,
        )

    def _wait(
        self, timeout_s: float, on_output: Callable[[str], None] | None, meanwhile: Callable[[], bool] | None
    ) -> int | None:
        pause_s = _POLL_S if meanwhile else 0.1 if on_output else min(1.0, timeout_s)
        with (self._directory / "output").open(encoding="utf-8", errors="replace") as output:
            while True:
                status = self._command.wait(pause_s)
                if status is None and meanwhile and meanwhile():
                    return self._command.stop(0)
                if on_output and (text := output.read()):
                    on_output(text)
                if status is not None or time.monotonic() - self._released_at > timeout_s:
                    return status

    def let_go(self, times: int) -> None:
        """Let the command past the barrier before its revisions, for the *times*-th time."""
        self._command.let_go(times)

    def told(self) -> bytes:
        """Return the lines of events that the probe has written so far."""
        file = self._directory / "events.jsonl"
        return file.read_bytes() if file.exists() else b""

    def ended_early(self) -> bool:
        """Say whether the command ended before it was released: it asked for no connection."""
        return self._command.poll() is not None

    def close(self) -> None:
        """Stop whatever still runs of the command."""
        self._command.close()
        if self.nursery is not None:
            self.nursery.close()

    @contextmanager
    def fork(
        self,
        directory: Path,
        *,
        mode: str = "true",
        facts: str = "",
        overlay: Mapping[str, Path] | None = None,
        barrier_s: float = 0.0,
    ) -> Iterator[Rehearsal]:
        """Begin another run where this one waited for its first connection; the arguments are those of `start`.

        The *overlay* is of revisions only.

        Raises:
            ProcessFailed: its copy is gone.
        """
        assert self.nursery is not None
        directory.mkdir(mode=0o700)
        config = json.loads((self._directory / "config.json").read_text(encoding="utf-8"))
        config |= {"mode": mode, "facts": facts, "barrier": barrier_s, "nursery": False}
        here.write_whole(directory / "config.json", json.dumps(config))
        _lay_over(overlay, directory)
        (directory / "output").touch()
        child = self.nursery.fork(directory, self._command.guards)
        forked = Rehearsal(here.Here(child, directory), directory, self._root)
        try:
            yield forked
        finally:
            forked.close()


@contextmanager
def start(
    target: Project,
    placeholder: Endpoint,
    *,
    directory: Path,
    environ: Mapping[str, str],
    mode: str = "true",
    allow_ports: Sequence[int] = (),
    facts: str = "",
    overlay: Mapping[str, Path] | None = None,
    beside: str = "",
    barrier_s: float = 0.0,
    nursery: bool = False,
) -> Iterator[Rehearsal]:
    """Start the command of *target* with the probe in it, and stop it on the way out.

    Args:
        placeholder: what the environment variables point to until the database is ready.
        directory: new directory of this run, for what the probe and this process tell each other.
        mode: "true" runs the command as the deploy would; "survey" goes on past each failing statement.
        facts: a query for the schema's facts, to be asked after each revision on the command's own connection.
        overlay: absolute path of a Python file of the project, which may be new -> the file to read in its place. For
            a command in an image it is the path of the file here, which has to be the image's.
        beside: the server's container, whose network a command in an image shares.
        barrier_s: how long at most it is held where a revision is about to run; 0 for not at all.
        nursery: let others like it begin where it waits for its first connection, if they can; not in an image.
    """
    directory.mkdir(mode=0o700)
    ports = sorted({*_PORTS, *allow_ports})
    config = {"mode": mode, "allowed_ports": ports, "endpoint_port": placeholder.port, "facts": facts}
    if barrier_s:
        config["barrier"] = barrier_s
    if target.image is not None:
        # Not at the top: the engine's SDK takes longer to import than most of what is done here.
        from alembic_rehearsal import appimage

        with appimage.started(
            target, target.image, placeholder, directory=directory, config=config, beside=beside, overlay=overlay or {}
        ) as command:
            yield Rehearsal(command, directory, target.root)
        return
    config["nursery"] = nursery
    here.write_whole(directory / "config.json", json.dumps(config))
    _lay_over(overlay, directory)
    place = forking.Nursery(directory) if nursery else None
    rehearsal = Rehearsal(here.started(target, placeholder, directory, environ, ports), directory, target.root, place)
    try:
        yield rehearsal
    finally:
        rehearsal.close()


def _lay_over(overlay: Mapping[str, Path] | None, directory: Path) -> None:
    if overlay:
        files = {path: str(replacement) for path, replacement in overlay.items()}
        here.write_whole(directory / probe_overlay.FILE, json.dumps(files))


def _tail(path: Path) -> tuple[str, ...]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        return tuple(masked(line.rstrip("\n")) for line in deque(lines, maxlen=_TAIL_LINES))
