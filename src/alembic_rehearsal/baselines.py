"""The differences that a team knows of, in a file of its repository: a line of a review for each.

The file is JSON, sorted, with no time and no revision in it, so that it changes only when production's differences do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from alembic_rehearsal.errors import UsageError
from alembic_rehearsal.model import Difference, Report, Severity

NAME = ".alembic-rehearsal-baseline.json"
_FORMAT = 1
_ABOUT = "What production's schema has otherwise than the revisions make it. Written by alembic-rehearsal baseline."
_FIELDS = ("sort", "kind", "identity", "attribute", "production", "wanted")
_REQUIRED = ("sort", "kind", "identity")
# A function's body is in the catalog; here it is enough to know that it is the same.
_WIDTH = 200

Entry = tuple[str, ...]


def written(differences: Iterable[Difference]) -> str:
    """Return the file's text."""
    entries = [dict(zip(_FIELDS, entry, strict=True)) for entry in sorted({_entry(each) for each in differences})]
    content = {"format": _FORMAT, "about": _ABOUT, "differences": [_without_empty(entry) for entry in entries]}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def keep(report: Report, path: Path) -> tuple[int, tuple[str, ...]]:
    """Write what differs in *report* to *path*, and return the exit status and what is to be said.

    Returns:
        0 for a file that was written; 3 where nothing could be compared.

    Raises:
        UsageError: there is something else at *path*, or it can't be written.
    """
    if report.drift is None:
        reasons = [line for line in report.not_tested if "from base" in line]
        reasons = reasons or [each.message for each in report.findings if each.severity is Severity.UNPROVED]
        return 3, ("nothing was written, since nothing could be compared:", *reasons)
    before = load(path) if path.exists() else frozenset()
    now = frozenset(map(_entry, report.drift))
    try:
        path.write_text(written(report.drift), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror or error}") from error
    counts = f"{len(now)} difference{'s' * (len(now) != 1)}, {len(now - before)} new, {len(before - now)} gone"
    return 0, (f"wrote {path}: {counts}", "Look at each: what is in it isn't told again. Commit the file.")


def load(path: Path) -> frozenset[Entry]:
    """Return the entries of a baseline.

    Raises:
        UsageError: it can't be read, or is no baseline.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        said = str(error) if isinstance(error, ValueError) else error.strerror or str(error)
        raise UsageError(f"the baseline {path} can't be read: {said}", fix=_FIX) from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise UsageError(f"{path} is no baseline of this version of alembic-rehearsal", fix=_FIX)
    entries = content.get("differences")
    if not isinstance(entries, list):
        raise UsageError(f"the baseline {path} has no list of differences", fix=_FIX)
    return frozenset(_checked(path, number, entry) for number, entry in enumerate(entries, 1))


def sifted(differences: tuple[Difference, ...], path: str) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """Return *differences*, each marked as known if it is in the file *path*, and a line for what is there in vain.

    Raises:
        UsageError: as `load`.
    """
    if not path:
        return differences, ()
    entries = load(Path(path))
    found = {_entry(each): each for each in differences}
    marked = tuple(replace(each, known=_entry(each) in entries) for each in differences)
    return marked, tuple(" ".join(filter(None, entry[:4])) for entry in sorted(entries - found.keys()))


_FIX = "Write it anew: alembic-rehearsal baseline --dump production.sql"


def _checked(path: Path, number: int, entry: Any) -> Entry:
    fits = isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values())
    if not fits or not set(_REQUIRED) <= set(entry) <= set(_FIELDS):
        raise UsageError(f"entry {number} of the baseline {path} is none: {json.dumps(entry)[:_WIDTH]}", fix=_FIX)
    return tuple(entry.get(name, "") for name in _FIELDS)


def _entry(each: Difference) -> Entry:
    return (each.sort, each.kind, each.identity, each.attribute, _short(each.production), _short(each.wanted))


def _short(text: str) -> str:
    if len(text) <= _WIDTH:
        return text
    return f"{text[:_WIDTH]}... sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _without_empty(entry: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in entry.items() if text or name in _REQUIRED}
