"""How a report is to look, for the reporters that a person reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """What the place that the report goes to can show.

    Attributes:
        width: columns.
        quiet: the verdict and the findings only.
    """

    colour: bool = False
    width: int = 100
    quiet: bool = False
