"""The report as JSON, as `schema.json` beside this file describes it."""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import Any

from alembic_rehearsal import __version__
from alembic_rehearsal.model import Report
from alembic_rehearsal.report.look import Look

SCHEMA_VERSION = 1


def render(report: Report, look: Look) -> str:
    """Return *report* as one JSON object; *look* changes nothing in it."""
    del look
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "tool_version": __version__,
        "exit_status": report.verdict.exit_status,
        **_plain(report),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """Return *value* in JSON's own types; fields that `repr` hides are secrets and stay out."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value) if field.repr}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
