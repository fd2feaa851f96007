"""Which Python a project has, read from its files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from alembic_rehearsal import blueprint

_VERSION = re.compile(r"(?:python-)?(\d+\.\d+)")
_FROM = re.compile(r"^FROM\s+(?:--\S+\s+)*(?:\S*/)?python:(\d+\.\d+)", re.MULTILINE | re.IGNORECASE)
_ARG = re.compile(r"""^ARG\s+(\w+)=["']?([^\s"']+)""", re.MULTILINE | re.IGNORECASE)
_USE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})")
# A version to the last digit that nothing else will do for, or the least that will.
_REQUIRES = re.compile(
    r"""^\s*(?:requires-python|python)\s*=\s*["']"""
    r"""(?:=*\s*(?P<exact>\d+\.\d+\.\d+)\s*["']|(?:[^"']*?(?:(?<!!)=|[>~^])=?\s*)?(?P<least>\d+\.\d+))""",
    re.MULTILINE,
)
_PATTERNS = {".python-version": _VERSION, "runtime.txt": _VERSION, "Dockerfile": _FROM, "pyproject.toml": _REQUIRES}
_NEWEST = "3.13"


def first(root: Path, repository: Path, render: blueprint.Blueprint | None) -> tuple[str, str]:
    """Return version and what says it, production's own first."""
    return next(_all(root, repository, render))


def is_said(source: str) -> bool:
    """Say whether *source*, as `first` returned it, is a file's word."""
    return source != _NOBODY


_NOBODY = "no file says which"


def _all(root: Path, repository: Path, render: blueprint.Blueprint | None) -> Iterator[tuple[str, str]]:
    for service in render.services if render else ():
        if version := _VERSION.match(service.python):
            yield version[1], f"PYTHON_VERSION in {render.path.name if render else ''}"
    folders = [each for each in (root, *root.parents) if each == repository or repository in each.parents]
    for name, pattern in _PATTERNS.items():
        for folder in folders:
            text = _text(folder / name)
            text = _expanded(text) if pattern is _FROM else text
            if version := pattern.match(text) if pattern is _VERSION else pattern.search(text):
                yield next(filter(None, version.groups())), name
    yield _NEWEST, _NOBODY


def _expanded(dockerfile: str) -> str:
    """Return the text with its ARGs' defaults in their places.

    Source: https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact
    """
    defaults: dict[str, str] = dict(_ARG.findall(dockerfile))
    return _USE.sub(lambda use: defaults.get(use[1] or use[2]) or use[3] or "", dockerfile)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
