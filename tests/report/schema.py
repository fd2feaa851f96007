"""Writes `report/schema.json` from the records: `python tests/report/schema.py` after a change of `model.py`."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import inspect
import json
import re
import types
import typing
from pathlib import Path
from typing import Any

from alembic_rehearsal import model
from alembic_rehearsal.report import json as reporter

PATH = Path(reporter.__file__).with_name("schema.json")
_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema() -> dict[str, Any]:
    """Return the JSON schema of a report."""
    definitions: dict[str, Any] = {}
    report = _record(model.Report, definitions)
    head = {
        "schema_version": {"const": reporter.SCHEMA_VERSION},
        "tool_version": {"type": "string"},
        "exit_status": {"enum": [verdict.exit_status for verdict in model.Verdict]},
    }
    properties = head | report["properties"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "alembic-rehearsal report",
        **report,
        "properties": properties,
        "required": list(properties),
        "$defs": definitions,
    }


def _record(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    head, described = _documented(cls)
    hints = typing.get_type_hints(cls)
    properties = {
        field.name: _type(hints[field.name], definitions)
        | ({"description": described[field.name]} if field.name in described else {})
        for field in dataclasses.fields(cls)
        if field.repr
    }
    return {
        "type": "object",
        "description": head,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _documented(cls: type) -> tuple[str, dict[str, str]]:
    text = inspect.getdoc(cls) or ""
    _, _, attributes = text.partition("Attributes:")
    found = re.finditer(r"^    (\w+): (.+(?:\n        .+)*)", attributes, re.MULTILINE)
    return text.splitlines()[0], {match[1]: " ".join(match[2].split()) for match in found}


def _type(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if origin in (tuple, frozenset):
        return {"type": "array", "items": _type(arguments[0], definitions)}
    if origin is collections.abc.Mapping:
        return {"type": "object", "additionalProperties": _type(arguments[1], definitions)}
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_type(argument, definitions) for argument in arguments]}
    if issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    if hint.__name__ not in definitions:
        definitions[hint.__name__] = {}
        definitions[hint.__name__] = _record(hint, definitions)
    return {"$ref": f"#/$defs/{hint.__name__}"}


if __name__ == "__main__":
    PATH.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
