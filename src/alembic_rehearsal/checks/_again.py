"""What the checks of the trials after the upgrade say alike."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_rehearsal.checks import _blame, _lines
from alembic_rehearsal.masking import masked
from alembic_rehearsal.model import Location, PgError, Trace
from alembic_rehearsal.sqlstate import condition

_SQL_LINES = 4


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended that did not go through.

    Attributes:
        said: the words after "ended with": the SQLSTATE and the server's message, or the exception.
    """

    said: str
    location: Location | None = None
    revision: str = ""
    sql: str = ""
    error: PgError | None = None


def ending(trace: Trace) -> Ending:
    """Return how the run of *trace*, which failed, ended."""
    if trace.exit_status is None:
        return Ending("no end in time" + "".join(f"; {masked(line)}" for line in trace.waiting_on[:1]))
    blame = _blame.of(trace)
    failure = blame.ended_by
    if blame.cause is not None and blame.cause.error is not None:
        cause = blame.cause
        return Ending(state(blame.cause.error), cause.location, cause.revision, shortened(cause.sql), cause.error)
    if failure is not None:
        said = state(failure.error) if failure.error else f"{failure.type}: {masked(failure.text.strip())}"
        return Ending(said.split("\n", 1)[0], failure.location, failure.revision, "", failure.error)
    return Ending(f"status {trace.exit_status}")


def state(error: PgError) -> str:
    """Return the server's words with their SQLSTATE."""
    return f"SQLSTATE {error.sqlstate} ({condition(error.sqlstate).name}): {masked(error.message)}"


def place(location: Location | None) -> str:
    """Return "file:line: ", "" for no place."""
    if location is None:
        return ""
    return f"{location.path}:{location.line}: " if location.line else f"{location.path}: "


def shortened(sql: str) -> str:
    """Return the first lines of a statement: fewer than of one that production would refuse."""
    return _lines.shortened(sql, _SQL_LINES)
