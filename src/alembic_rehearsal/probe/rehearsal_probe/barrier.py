"""Hold an upgrade where a revision is about to run, until the tool says that all of several are there.

By then each has read the version table, so each has seen the same revision: what follows hangs on nobody's speed. Where
each revision has a transaction of its own, everybody is let in again behind each of them.
"""

from __future__ import annotations

import os
import time

from . import gate, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# How many times the tool has said so.
FILE = "go"
_MOST_STOPS = 20
_state = {"stops": 0}


def arrive(context: Any) -> None:
    """Wait for the others; the tool's own limit is the shorter one."""
    limit_s = float(gate.config().get("barrier") or 0)
    if not limit_s or _state["stops"] >= (_MOST_STOPS if context._transaction_per_migration else 1):
        return
    _state["stops"] += 1
    report.emit("arrived")
    until = time.monotonic() + limit_s
    while _said() < _state["stops"] and time.monotonic() < until:
        gate.leave_if_over()
        time.sleep(gate.POLL_S)


def _said() -> int:
    try:
        with open(os.path.join(gate.directory(), FILE), encoding="ascii") as file:
            return int(file.read() or 0)
    except OSError:
        return 0
