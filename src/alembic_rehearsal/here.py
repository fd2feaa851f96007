"""A command on this machine: its process, and the directory in which it and the tool tell each other things."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic_rehearsal import configured, forking, proc, project, sandbox, trace
from alembic_rehearsal.attendant import Refusal
from alembic_rehearsal.model import Endpoint, Project
from alembic_rehearsal.probe.rehearsal_probe import barrier as probe_barrier
from alembic_rehearsal.probe.rehearsal_probe import environ as probe_environ

PROBE = Path(__file__).parent / "probe"

_GRACE_S = 3.0


@dataclass
class Here:
    """A command on this machine: the run's directory is the probe's too."""

    child: proc.Child | forking.Forked
    directory: Path

    def __post_init__(self) -> None:
        self.guards = self.child.guards
        self.poll, self.wait, self.stop = self.child.poll, self.child.wait, self.child.stop

    def release(self, endpoint: Endpoint) -> Endpoint:
        """As `rehearse.Command` has it: the address is the one that is given."""
        write_whole(self.directory / "ready.json", json.dumps(endpoint.kwargs()))
        return endpoint

    def let_go(self, times: int) -> None:
        """As `rehearse.Command` has it."""
        write_whole(self.directory / probe_barrier.FILE, str(times))

    def events(self) -> Iterator[trace.Event]:
        """Yield what the probe has reported, then what the kernel has refused."""
        yield from trace.events(self.directory / "events.jsonl")
        yield from map(_refused, self.child.refused)

    def close(self) -> None:
        """Stop the process, and what it has left running."""
        (self.directory / "abort").touch()
        self.child.stop(_GRACE_S)
        proc.end_strays(f"ALEMBIC_REHEARSAL_DIR={self.directory}")


def started(
    target: Project, placeholder: Endpoint, directory: Path, environ: Mapping[str, str], ports: Sequence[int]
) -> Here:
    """Start the command of *target* as a process of this machine, waiting for its database.

    Args:
        placeholder, directory, environ: as in `rehearse.start`.
        ports: TCP ports that it may reach besides its server's.
    """
    env = project.environment(target, environ, PROBE)
    env["ALEMBIC_REHEARSAL_DIR"] = str(directory)
    # Set where it is not, in the shape that the project's own files give it: the driver is part of it.
    named = configured.urls(Path(target.root), {})
    if named:
        env.setdefault("DATABASE_URL", named[0])
    env = probe_environ.rewritten(env, dict(placeholder.kwargs()))
    with (directory / "output").open("wb") as output:
        child = proc.spawn(
            target.argv,
            env=env,
            cwd=target.root,
            stdout=output,
            stderr=output,
            fence=sandbox.Fence({placeholder.port, *ports}, own_socket=_socket(placeholder)),
        )
    return Here(child, directory)


def _socket(endpoint: Endpoint) -> str:
    """Return the path of the endpoint's Unix socket, "" if it is one by TCP."""
    return f"{endpoint.host}/.s.PGSQL.{endpoint.port}" if endpoint.host.startswith("/") else ""


def _refused(refusal: Refusal) -> trace.Event:
    """Return what the probe would have written, had it seen the connection."""
    host, _, port = refusal.path.rpartition("/.s.PGSQL.")
    wanted = {"host": host, "port": port} if host else {"host": refusal.path or "a place unknown"}
    # A path that names no port leads there by a link, or from the program's own directory.
    reason = "it is a PostgreSQL socket other than the rehearsal's"
    if not refusal.path:
        reason = "its address could not be read"
    return {"event": "connect", "via": refusal.program, "wanted": wanted, "outcome": "refused", "reason": reason}


def write_whole(path: Path, text: str) -> None:
    """Write *text* so that a reader sees all of it or no file."""
    temporary = path.with_suffix(".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
