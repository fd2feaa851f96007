"""What the caller hears while the stages go on, and how long each takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from alembic_rehearsal.model import Endpoint, Report


def silent(_text: str) -> None:
    """Hear nothing."""


@dataclass
class Listener:
    """What the caller wants to hear; the defaults keep quiet.

    Attributes:
        progress: is told what is being done, a line each time.
        output: is given the command's own output as it comes.
        keep: is called with the report while the server is still up; it goes down when that returns.
    """

    progress: Callable[[str], None] = silent
    output: Callable[[str], None] | None = None
    keep: Callable[[Report, Endpoint], None] | None = None


@dataclass
class Clock:
    """Seconds that each step took, by name."""

    timings: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done in the context."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.timings[name] = round(time.monotonic() - began, 3)
