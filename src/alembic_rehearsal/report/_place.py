"""Where a finding is, as the repository counts."""

from __future__ import annotations

import posixpath
from urllib.parse import quote

from alembic_rehearsal.model import Location
from alembic_rehearsal.report._clean import one_line
from alembic_rehearsal.report.look import Look

_MOST_PATH = 1000


def in_repository(location: Location | None, look: Look) -> str | None:
    """Return the path relative to the repository's root, None for one that is outside of it or unknown."""
    if location is None or not location.path:
        return None
    return _inside(location.path, look)


def or_anchor(location: Location | None, look: Look) -> tuple[str, int]:
    """Return path and line, those of `look.anchor` for a finding without a file in the repository."""
    path = in_repository(location, look)
    if path is None or location is None:
        return _inside(look.anchor, look) or "alembic.ini", 1
    return path, location.line or 1


def uri(path: str) -> str:
    """Return *path* as a relative reference.

    Source: https://www.rfc-editor.org/rfc/rfc3986#section-4.2, a first segment with ":" would be a scheme.
    """
    return quote(path, safe="/")


def _inside(path: str, look: Look) -> str | None:
    whole = posixpath.normpath(posixpath.join(look.prefix, path))
    outside = posixpath.isabs(path) or whole == ".." or whole.startswith("../") or posixpath.isabs(whole)
    # A name of nothing but control characters is none.
    return None if outside else one_line(whole, _MOST_PATH) or None
