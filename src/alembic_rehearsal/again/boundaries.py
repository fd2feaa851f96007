"""Where in a run a part of a revision was committed while the rest was not: the places where a deploy can die half-way.

The server says when commits were, the probe what the command was at; nothing is read off a statement's text but which
one writes the version row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from alembic_rehearsal.model import Location, Statement, Step, Trace

_WRITES = re.compile(r"\s*(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\b", re.IGNORECASE)
_CREATES_CONCURRENTLY = re.compile(r"\s*CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\b", re.IGNORECASE)
_END_OF_TRANSACTION = re.compile(r"\s*(COMMIT|END)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Boundary:
    """A commit with which only a part of a revision is committed.

    Attributes:
        number: of the commit among all of the run, from 1.
        revision: whose version row was not committed with it.
        location: of the statement that it came with, or of the last one before it.
        sql: that statement, as far as it is known.
        inside: the statement commits in parts, and had not ended.
        bare: nothing was seen of the revision before it, so it may all be of the ones before.
    """

    number: int
    revision: str
    location: Location | None
    sql: str
    inside: bool
    bare: bool


def found(commits: Sequence[float], trace: Trace, texts: Sequence[str] = ()) -> tuple[Boundary, ...]:
    """Return the boundaries among *commits*.

    A commit after which the version table says what was done is none: to try again from there is the rest of the
    upgrade, and nothing else.

    Args:
        commits: the time of each, in order, by the clock of the trace.
        texts: what the backend of each was at, where that is known.
    """
    spans = [(step, _recorded_at(step, trace)) for step in trace.steps]
    made = []
    for number, at in enumerate(commits, 1):
        parted = [step for step, recorded_at in spans if step.began_at <= at < recorded_at]
        if parted:
            text = texts[number - 1] if texts else ""
            later = next((other for other in commits[number:] if other > at), math.inf)
            made.append(_boundary(number, (at, later), parted[-1], trace, text))
    return tuple(_merged(made))


def _recorded_at(step: Step, trace: Trace) -> float:
    """Return from when on a commit takes the version row of *step* along; infinity where none is seen to be written."""
    later = [each.began_at for each in trace.steps if each.pid == step.pid and each.began_at >= step.ended_at]
    until = min(later, default=math.inf)
    own = [each for each in trace.statements if each.pid == step.pid and each.at <= until]
    rows = [each for each in own if each.at >= step.ended_at and _records(each, trace)]
    if not rows:
        return math.inf
    last = rows[-1]
    if not last.in_transaction:
        # It commits itself: whatever was committed before it came after the statement before, if at all.
        return max([step.ended_at, *(each.at for each in own if each.seq < last.seq)])
    calls = (each.at for each in trace.commits if (each.pid, each.connection) == (last.pid, last.connection))
    return min((at for at in calls if at >= last.at), default=math.inf)


def _records(statement: Statement, trace: Trace) -> bool:
    names = {context.version_table for context in trace.contexts}
    return (
        not statement.revision and bool(_WRITES.match(statement.sql)) and any(name in statement.sql for name in names)
    )


def _boundary(number: int, span: tuple[float, float], step: Step, trace: Trace, text: str) -> Boundary:
    """Return the boundary of a commit; *span* is its time and that of the next one."""
    at, next_at = span
    own = [each for each in trace.statements if each.pid == step.pid and each.revision == step.revision]
    before = [each for each in own if each.at < at]
    running = _running(own, at)
    told = running or (before[-1] if before else None)
    known = text if text and not _END_OF_TRANSACTION.match(text) else ""
    return Boundary(
        number=number,
        revision=step.revision,
        location=told.location if told else step.location,
        sql=known or (told.sql if told else ""),
        inside=running is not None and next_at <= running.at,
        bare=told is None,
    )


def _running(statements: Sequence[Statement], at: float) -> Statement | None:
    """Return the one that was under way *at* that time."""
    for each in statements:
        if each.at >= at:
            return each if _began_at(each) <= at else None
    return None


def _began_at(statement: Statement) -> float:
    # The time is taken a moment after the duration.
    return statement.at - statement.duration_ms / 1000 - 0.0005


def _merged(boundaries: Sequence[Boundary]) -> list[Boundary]:
    """Leave out the second phase of CREATE INDEX CONCURRENTLY: it changes how far the invalid index has come, only.

    Source: https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    """
    kept: list[Boundary] = []
    for each in boundaries:
        if kept and each.inside and _CREATES_CONCURRENTLY.match(each.sql):
            last = kept[-1]
            same = (last.sql, last.location) == (each.sql, each.location)
            if last.inside and same and each.number == last.number + 1:
                continue
        kept.append(each)
    return kept
