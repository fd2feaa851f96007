"""Programs for those who work on the project; none of it is installed."""

from __future__ import annotations

import re

_FOLDERS = re.compile(r"/\S+/(?=[^/\s]+\.py\b)")


def without_folders(text: str) -> str:
    """Return *text* with the names of Python files alone: a project is installed, wherever that is."""
    return _FOLDERS.sub("", text)
