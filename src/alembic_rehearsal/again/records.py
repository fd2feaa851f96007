"""What the trials of `again` hand on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Again:
    """What came of running the upgrade once more."""
