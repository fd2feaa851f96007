"""How a report is to look, and how it names files, for the reporters that need to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """What the place that the report goes to can show.

    Attributes:
        width: columns.
        quiet: the verdict and the findings only.
        prefix: the project's directory as seen from the root of the repository, "services/api"; "" when they are one.
        anchor: the file, relative to the project, for findings that no file is known of, where a format needs one.
        most_bytes: what the Markdown may amount to.
    """

    colour: bool = False
    width: int = 100
    quiet: bool = False
    prefix: str = ""
    anchor: str = "alembic.ini"
    most_bytes: int = 1_000_000
