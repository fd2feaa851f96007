"""One reporter a file: a pure function from a report to text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from alembic_rehearsal.model import Report
from alembic_rehearsal.report import json, text
from alembic_rehearsal.report.look import Look

Render = Callable[[Report, Look], str]

REPORTERS: Mapping[str, Render] = {"text": text.render, "json": json.render}
