"""The same upgrade once more fails, or does something again: the next start, retry or deploy would."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal import lineage
from alembic_rehearsal.checks import _again
from alembic_rehearsal.model import Evidence, Finding, PgError, Severity, Trace

ID = "second-run-not-a-no-op"

_MOST = 8
_WHERE = "on a copy of the database that the first upgrade left, with every revision recorded"
_FIX = (
    "What runs besides the pending revisions (env.py, an event listener, the command's own code) runs on every start.\n"
    "Move it into a revision, or let it ask first whether it is done:\n"
    "    if not sa.inspect(connection).has_table(...):"
)
# Making one of these again loses what was in it.
_HOLDS_ROWS = ("table ", "column ", "sequence ", "materialized view ")


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield an error for a second upgrade that is none; a warning for an error that it alone survived."""
    second = evidence.again.second if evidence.again else None
    if second is None:
        return
    trace = second.trace
    if trace.exit_status != 0 or lineage.failed(trace.steps):
        end = _again.ending(trace)
        yield Finding(
            check=ID,
            severity=Severity.ERROR,
            message=f"The same upgrade once more ends with {end.said}",
            evidence=(_WHERE,),
            fix=_FIX,
            location=end.location,
            revision=end.revision,
            sqlstate=end.error.sqlstate if end.error else "",
            sql=end.sql,
            error=end.error,
        )
        return
    yield from _done_again(trace, second.rows, second.differences, second.rewritten)
    yield from _survived(evidence.trace, trace)


def _done_again(
    trace: Trace, rows: tuple[str, ...], differences: tuple[str, ...], rewritten: tuple[str, ...]
) -> Iterator[Finding]:
    steps = ", ".join(step.revision for step in trace.steps)
    made = tuple(each for each in rewritten if each.startswith(_HOLDS_ROWS) and not each.endswith("(changed)"))
    if steps:
        said = f"runs {steps} again"
    elif rows:
        said = "changes the version rows"
    elif differences:
        said = "changes the schema"
    elif made:
        said = f"makes {made[0]} anew, and what was in it is gone"
    elif rewritten:
        yield Finding(
            check=ID,
            severity=Severity.NOTE,
            message="The same upgrade once more leaves the schema as it is, and writes some of it again",
            evidence=rewritten[:_MOST],
        )
        return
    else:
        return
    # Whose statement it was: the first outside every revision that isn't a question.
    doing = next((each for each in trace.statements if not each.revision and _changes(each.sql)), None)
    yield Finding(
        check=ID,
        severity=Severity.ERROR,
        message=f"The same upgrade once more {said}",
        evidence=(_WHERE, *rows, *differences, *(made if not differences else ())[:_MOST]),
        fix=_FIX,
        location=trace.steps[0].location if steps else doing.location if doing else None,
        revision=trace.steps[0].revision if steps else "",
        sql=_again.shortened(doing.sql) if doing and not steps else "",
    )


def _changes(text: str) -> bool:
    return text.lstrip().upper().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE", "TRUNCATE"))


def _survived(first: Trace, trace: Trace) -> Iterator[Finding]:
    """Yield a warning for each error that the second run swallowed; the first one's own are told by another check."""
    known = {(error.sqlstate, error.message) for error in _errors(first)}
    for error in dict.fromkeys(_errors(trace)):
        if (error.sqlstate, error.message) in known:
            continue
        statement = next((each for each in trace.statements if each.error == error), None)
        yield Finding(
            check=ID,
            severity=Severity.WARNING,
            message=f"The same upgrade once more went on after {_again.state(error)}",
            evidence=(_WHERE,),
            fix=_FIX,
            location=statement.location if statement else None,
            sqlstate=error.sqlstate,
            sql=_again.shortened(statement.sql) if statement else "",
        )


def _errors(trace: Trace) -> Iterator[PgError]:
    yield from (each.error for each in trace.statements if each.error is not None)
    seen = {each.error.message for each in trace.statements if each.error is not None}
    for record in trace.log:
        if record.severity in ("ERROR", "FATAL", "PANIC") and record.message not in seen:
            yield PgError(record.sqlstate, record.message)
