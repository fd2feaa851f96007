"""Which Pythons Poetry's own key allows; the standard one, requires-python, uv reads by itself.

Source: https://python-poetry.org/docs/dependency-specification/#version-constraints
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SPACES = re.compile(r"(?<=[\d*])\s+(?=[<>=!~^\d])")
_PART = re.compile(r"(\^|~=|~|===?|!=|<=|>=|<|>|)\s*(\d+(?:\.\d+)*)(\.\*|)")


def poetrys(pyproject: Path) -> str:
    """Return what Poetry's key asks for as Poetry writes it, "^3.11"; "" when there is none."""
    try:
        content: Any = tomllib.loads(pyproject.read_text(encoding="utf-8"))
        found = content["tool"]["poetry"]["dependencies"]["python"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""


def specifiers(constraint: str) -> str:
    """Return *constraint* as version specifiers, ">=3.11,<4"; "" for what has no such form.

    Of alternatives ("^2.7 || ^3.9") the last.
    """
    last = constraint.rpartition("|")[2].strip()
    parts = [_PART.fullmatch(part.strip()) for part in _SPACES.sub(",", last).split(",")]
    return ",".join(_specifier(*part.groups()) if part else "" for part in parts) if all(parts) else ""


def _specifier(operator: str, version: str, star: str) -> str:
    numbers = [int(number) for number in version.split(".")]
    if operator == "^":
        return f">={version},<{numbers[0] + 1}"
    if operator == "~":
        return f">={version},<{numbers[0]}.{numbers[1] + 1}" if numbers[1:] else f">={version},<{numbers[0] + 1}"
    return f"{operator or '=='}{version}{star}"
