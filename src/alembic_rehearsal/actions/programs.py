"""The programs of a step: the installers and the rehearsal, whose output goes to the job's log."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from alembic_rehearsal import proc
from alembic_rehearsal.actions.outputs import Log

# The runner kills 10 s after it has asked; the rest is for the action itself.
_GRACE_S = 7.0
_LINGER_S = 0.5
_LAST_BYTES = 3000


def passed_on(log: Log, command: Sequence[str], env: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Run *command*, pass on what it writes, and return its status and the last of it."""
    child = proc.spawn(command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    last = b""
    try:
        for chunk in _output(child):
            log.raw(chunk)
            last = (last + chunk)[-_LAST_BYTES:]
        status = child.wait()
    finally:
        child.stop(_GRACE_S)
    assert status is not None
    return status, last.decode(errors="replace").strip()


def _output(child: proc.Child) -> Iterator[bytes]:
    """Yield what *child* writes until it has ended; what it leaves running may hold the pipe for ever."""
    assert child.stdout is not None
    descriptor = child.stdout.fileno()
    ended_at = float("inf")
    while time.monotonic() < ended_at + _LINGER_S:
        if select.select([descriptor], [], [], 0.05)[0]:
            chunk = os.read(descriptor, 65536)
            if not chunk:
                return
            yield chunk
        elif child.poll() is not None:
            return
        if child.poll() is not None:
            ended_at = min(ended_at, time.monotonic())
