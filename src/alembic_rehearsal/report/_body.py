"""A finding as plain text, for the formats that have one place for all of it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.model import Finding
from alembic_rehearsal.report import _words
from alembic_rehearsal.report._clean import cleaned

_MOST_MESSAGE, _MOST_LINE, _MOST_LINES, _MOST_SQL, _MOST_FIX = 2000, 500, 20, 2000, 3000


def body(finding: Finding) -> str:
    """Return message, evidence, SQL, what fails with it, and fix, each of bounded length."""
    return "\n".join(_lines(finding))


def _lines(finding: Finding) -> Iterator[str]:
    yield cleaned(finding.message, _MOST_MESSAGE)
    yield from _some(finding.evidence)
    yield from _some(_words.why(finding))
    if finding.sql:
        yield cleaned(finding.sql, _MOST_SQL)
    if finding.conditional_on:
        yield "(seen by going on past the failures above)"
    if finding.folded:
        yield f"{_words.entailed(finding)}:"
        yield from _some(finding.folded)
    for label, code, notes in _words.fixes(finding):
        yield cleaned(label, _MOST_LINE)
        if code:
            yield cleaned(code, _MOST_FIX)
        yield from _some(notes)


def _some(lines: tuple[str, ...]) -> Iterator[str]:
    yield from (cleaned(line, _MOST_LINE) for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"and {len(lines) - _MOST_LINES} more"
