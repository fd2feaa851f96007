"""What the project's own Python files say, read as text: calls of `create_all()`, models of a table."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

_SKIPPED = {"node_modules", "site-packages", "__pycache__", "venv", "env", "build", "dist"}
_CREATE_ALL = re.compile(r"\bcreate_all\s*\(|\brun_sync\(\s*[\w.]+\.create_all\b")
_MOST_FILES = 5000
_MOST_BYTES = 1 << 20


def create_all(root: str) -> tuple[str, ...]:
    """Return "path:line" of each call of `create_all()` under *root* outside tests."""
    return tuple(
        f"{path}:{number}"
        for path, text in _files(root)
        if "create_all" in text and "test" not in path
        for number, line in enumerate(text.splitlines(), 1)
        if _CREATE_ALL.search(line) and not line.lstrip().startswith("#")
    )


def models(root: str, table: str) -> tuple[str, ...]:
    """Return "path:line" of each declaration of a model or a `Table` of that name under *root*."""
    declared = re.compile(
        rf"__tablename__\s*(?::[^=]+)?=\s*['\"]{re.escape(table)}['\"]|\bTable\(\s*['\"]{re.escape(table)}['\"]"
    )
    return tuple(
        f"{path}:{number}"
        for path, text in _files(root)
        if table in text
        for number, line in enumerate(text.splitlines(), 1)
        if declared.search(line)
    )


@lru_cache(maxsize=4)
def _files(root: str) -> tuple[tuple[str, str], ...]:
    """Return path, relative to *root*, and text of the project's Python files."""
    found = []
    for path in _walk(root):
        if path.stat().st_size <= _MOST_BYTES:
            found.append((path.relative_to(root).as_posix(), path.read_text(encoding="utf-8", errors="replace")))
        if len(found) == _MOST_FILES:
            break
    return tuple(found)


def _walk(root: str) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(".py"))
