"""Takes passwords and parameters out of text that is going to be shown."""

from __future__ import annotations

import re

_PASSWORD = re.compile(
    r"(\b\w*(?:password|passwd|secret)\w*\s*(?:=|:|\s)\s*)('(?:[^']|'')*'|\"[^\"]*\")", re.IGNORECASE
)
_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(@)", re.IGNORECASE)
# SQLAlchemy appends the values of a statement to its errors.
_PARAMETERS = re.compile(r"\[parameters: .*", re.DOTALL)


def masked(text: str) -> str:
    """Return *text* without passwords in SQL and URLs, and without the parameters of statements."""
    text = _PASSWORD.sub(r"\1'***'", text)
    text = _IN_URL.sub(r"\1***\2", text)
    return _PARAMETERS.sub("[parameters: not shown]", text)
