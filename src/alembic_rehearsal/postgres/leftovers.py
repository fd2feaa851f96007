"""What could not be cleared away at the end, when the report is made already: handed on by a file of the run's."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

_FILE = "leftovers.json"


def tell(workdir: Path, lines: Iterable[str]) -> None:
    """Write *lines* down for whoever prints the report; the clean-up goes on whatever becomes of it."""
    found = list(lines)
    if found:
        with contextlib.suppress(OSError):
            (workdir / _FILE).write_text(json.dumps(found), encoding="utf-8")


def told(workdir: Path) -> tuple[str, ...]:
    """Return what was written down, nothing where everything went away."""
    try:
        return tuple(json.loads((workdir / _FILE).read_text(encoding="utf-8")))
    except OSError:
        return ()
