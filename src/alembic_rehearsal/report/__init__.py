"""One reporter a file: a pure function from a report to text."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from alembic_rehearsal.model import Report
from alembic_rehearsal.report.look import Look

Render = Callable[[Report, Look], str]

FORMATS = ("text", "json", "github", "markdown", "comment", "sarif", "junit", "gitlab")


def reporter(name: str) -> Render:
    """Return the function that renders the format *name*, one of `FORMATS`.

    Imported when it is needed: what it is made with takes longer to import than a small server to start.
    """
    render: Render = import_module(f"{__name__}.{name}").render
    return render
