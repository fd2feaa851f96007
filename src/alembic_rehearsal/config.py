"""Options from files: [tool.alembic-rehearsal] in pyproject.toml, or alembic-rehearsal.yml."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic_rehearsal.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FILES = ("alembic-rehearsal.yml", "alembic-rehearsal.yaml")
TABLE = "tool.alembic-rehearsal"
_KINDS: dict[type, str] = {
    tuple: "a list",
    list: "a list",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "a text",
}


def load(directory: Path, known: Mapping[str, type]) -> dict[str, Any]:
    """Return the options that the files in *directory* set, by the name of the flag without its dashes.

    *known* maps each name to the type that it takes: str, float, int, bool, tuple for one that may be repeated, list
    for entries with keys of their own.

    Raises:
        UsageError: a file can't be read, both kinds of file set options, or a key or a value is wrong.
    """
    found = [(path.name, _yaml(path)) for path in map(directory.joinpath, _FILES) if path.is_file()]
    pyproject = directory / "pyproject.toml"
    if pyproject.is_file() and (table := _toml(pyproject)):
        found.append((f"{pyproject.name} [{TABLE}]", table))
    if len(found) > 1:
        raise UsageError(f"options are set in {' and in '.join(name for name, _ in found)}: keep one of them")
    return {key: _checked(source, key, value, known) for source, table in found for key, value in table.items()}


def _yaml(path: Path) -> dict[str, Any]:
    # Not at the top: the command is to start at once, and most projects have no such file.
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds a {type(content).__name__}, and it should map options to values")
    return content


def _toml(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}") from error
    table = content.get("tool", {}).get("alembic-rehearsal", {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [{TABLE}] is not a table")
    return table


def _checked(source: str, key: str, value: Any, known: Mapping[str, type]) -> Any:
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"
        raise UsageError(f"{source}: unknown option {key!r}{hint}")
    wanted = known[key]
    if wanted is tuple:
        values = value if isinstance(value, list) else [value]
        if all(isinstance(item, (str, int)) and not isinstance(item, bool) for item in values):
            return tuple(values)
    elif wanted is float:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    elif isinstance(value, wanted) and isinstance(value, bool) is (wanted is bool):
        return value
    raise UsageError(f"{source}: {key} takes {_KINDS[wanted]}, not {value!r}")
