"""The server refused something, and the command went on as if nothing had been."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal import lineage
from alembic_rehearsal.masking import masked
from alembic_rehearsal.model import Evidence, Finding, Location, Severity
from alembic_rehearsal.sqlstate import condition

ID = "swallowed-error"

_MOST = 10
_FIX = (
    "Ask the catalogs before the statement instead of catching its error:\n"
    "    if not sa.inspect(op.get_bind()).has_table(...):\n"
    "A savepoint around it is needed at least: without one PostgreSQL refuses the rest of the transaction (25P02)."
)


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a warning for each error that the command survived; the log tells those that went past SQLAlchemy."""
    trace = evidence.trace
    if trace.exit_status != 0 or lineage.failed(trace.steps):
        return
    told: dict[tuple[str, str], tuple[str, Location | None]] = {}
    for statement in trace.statements:
        if statement.error is not None and not statement.skipped:
            told.setdefault(
                (statement.error.sqlstate, statement.error.message), (statement.revision, statement.location)
            )
    for record in trace.log:
        if record.severity in ("ERROR", "FATAL", "PANIC") and record.dbname == evidence.restored.dbname:
            told.setdefault((record.sqlstate, record.message), ("", None))
    for (sqlstate, message), (revision, location) in list(told.items())[:_MOST]:
        who = f"Revision {revision}" if revision else "The command"
        yield Finding(
            check=ID,
            severity=Severity.WARNING,
            message=f"{who} went on after SQLSTATE {sqlstate} ({condition(sqlstate).name}): {masked(message)}",
            fix=_FIX,
            location=location,
            revision=revision,
            sqlstate=sqlstate,
        )
