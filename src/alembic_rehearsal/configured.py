"""The PostgreSQL addresses that a project names: none of them may serve as the throw-away server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_URL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://[^\s'\"<>]+")
_FILES = (".env*", "*.ini", "*.toml", "*.cfg", "*.yml", "*.yaml", "migrations/env.py", "alembic/env.py")
_LIMIT_BYTES = 1 << 20


def urls(root: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return every PostgreSQL URL in *environ* and in the configuration files of the project at *root*."""
    texts = [*environ.values(), *_texts(root)]
    return tuple(dict.fromkeys(url for text in texts for url in _URL.findall(text)))


def _texts(root: Path) -> Iterator[str]:
    for pattern in _FILES:
        for path in root.glob(pattern):
            if path.is_file() and path.stat().st_size <= _LIMIT_BYTES:
                yield path.read_text(encoding="utf-8", errors="replace")
