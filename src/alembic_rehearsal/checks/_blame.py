"""Which statement of a failed run is the cause: the one that failed first, not the one that fell over it."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_rehearsal.model import Failure, LogRecord, Statement, Trace

_ABORTED = "25P02"


@dataclass(frozen=True, slots=True)
class Blame:
    """Why a run failed.

    Attributes:
        cause: the statement, None when the run ended for another reason than a statement's error.
        swallowed_by: the statement that met the aborted transaction, when the cause's own error was caught.
        logged: the cause as the server's log has it, when it went past SQLAlchemy.
        ended_by: the exception that ended the command.
    """

    cause: Statement | None
    swallowed_by: Statement | None = None
    logged: LogRecord | None = None
    ended_by: Failure | None = None


def of(trace: Trace) -> Blame:
    """Return the cause of a run that failed."""
    ended_by = trace.failures[-1] if trace.failures else None
    errors = [statement for statement in trace.statements if statement.error is not None]
    if ended_by is not None and ended_by.error is None:
        return Blame(cause=None, ended_by=ended_by)
    if not errors:
        return Blame(cause=None, logged=_first_logged(trace.log), ended_by=ended_by)
    last = errors[-1]
    if ended_by is not None and ended_by.error is not None and ended_by.error.sqlstate != _state(last):
        # The error that ended the command did not pass through SQLAlchemy.
        return Blame(cause=None, logged=_first_logged(trace.log), ended_by=ended_by)
    if _state(last) != _ABORTED:
        return Blame(cause=last, ended_by=ended_by)
    return _swallowed(trace, errors, ended_by)


def _swallowed(trace: Trace, errors: list[Statement], ended_by: Failure | None) -> Blame:
    """Walk back from the last 25P02 to the error that had aborted the transaction."""
    same = [each for each in errors if (each.pid, each.connection) == (errors[-1].pid, errors[-1].connection)]
    index = len(same) - 1
    while index >= 0 and _state(same[index]) == _ABORTED:
        index -= 1
    if index < 0:
        return Blame(cause=None, swallowed_by=same[0], logged=_first_logged(trace.log), ended_by=ended_by)
    return Blame(cause=same[index], swallowed_by=same[index + 1], ended_by=ended_by)


def _state(statement: Statement) -> str:
    return statement.error.sqlstate if statement.error else ""


def _first_logged(log: tuple[LogRecord, ...]) -> LogRecord | None:
    """Return the last error of the log that isn't a consequence of an aborted transaction."""
    errors = [line for line in log if line.severity in ("ERROR", "FATAL", "PANIC") and line.sqlstate != _ABORTED]
    return errors[-1] if errors else None
