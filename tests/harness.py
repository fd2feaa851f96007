"""Run a command with the probe as the tool does, and read what the probe reports."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic_rehearsal import probe
from alembic_rehearsal.model import Endpoint
from alembic_rehearsal.probe.rehearsal_probe import environ

Project = Callable[..., Path]


@dataclass(frozen=True, slots=True)
class Run:
    """What a command did under the probe."""

    status: int
    output: str
    events: tuple[dict[str, Any], ...]

    def of(self, kind: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return the events of *kind* whose fields are as *wanted*."""
        return [e for e in self.events if e["event"] == kind and all(e.get(k) == v for k, v in wanted.items())]

    def one(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """Return the only such event."""
        found = self.of(kind, **wanted)
        assert len(found) == 1, f"{len(found)} events {kind} {wanted}\n{self.output}\n{self.events}"
        return found[0]


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    endpoint: Endpoint,
    directory: Path,
    mode: str = "true",
    env: dict[str, str] | None = None,
    ready_after_s: float | None = None,
    before_ready: Callable[[Path], None] | None = None,
    timeout_s: float = 60,
) -> Run:
    """Run *command* in *cwd* with the probe leading every connection to *endpoint*.

    Args:
        directory: an empty directory for the exchange.
        ready_after_s: make the endpoint known only then; by default it is known from the start.
    """
    _write(directory / "config.json", {"mode": mode, "allowed_ports": [53, 80, 443], "endpoint_port": endpoint.port})
    point = {
        "host": endpoint.host,
        "port": endpoint.port,
        "user": endpoint.user,
        "password": endpoint.password,
        "dbname": endpoint.dbname,
    }
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "PYTEST", "COV_"))}
    variables.pop("DATABASE_URL", None)
    variables.update(env or {})
    variables = environ.rewritten(variables, {**point, "user": "rehearsal_login"}, str(directory))
    variables["ALEMBIC_REHEARSAL_DIR"] = str(directory)
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, [probe.DIRECTORY, variables.get("PYTHONPATH")]))
    timer = threading.Timer(ready_after_s or 0, _make_ready, (directory, point))
    if ready_after_s is None:
        _make_ready(directory, point)
    else:
        timer.start()
    done = subprocess.run(
        list(command),
        cwd=cwd,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    timer.cancel()
    return Run(done.returncode, done.stdout, tuple(read_events(directory)))


@dataclass
class Production:
    """A port on which something listens that nobody may reach."""

    port: int
    visits: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return a PostgreSQL URL that leads there."""
        return f"postgresql://prod:secret@127.0.0.1:{self.port}/proddb"


@contextlib.contextmanager
def turn(what: str, *, shared: bool = False) -> Iterator[None]:
    """Wait for the other workers to be through with *what*; those who share it may have it at once."""
    with Path(tempfile.gettempdir(), f"alembic-rehearsal-tests-{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


def alembic(*arguments: str) -> list[str]:
    """Return the command line of Alembic in this environment."""
    return [str(Path(sys.executable).with_name("alembic")), *arguments]


def read_events(directory: Path) -> list[dict[str, Any]]:
    """Return all events in *directory*."""
    path = directory / "events.jsonl"
    text = path.read_text(encoding="ascii") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def _make_ready(directory: Path, point: dict[str, Any]) -> None:
    _write(directory / "ready.tmp", point)
    (directory / "ready.tmp").rename(directory / "ready.json")


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
