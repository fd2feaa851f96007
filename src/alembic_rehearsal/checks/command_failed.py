"""The command ended in an error that no statement explains: the revision graph, an import, a revision's own code."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.checks import _blame, _graph, _names, _rows
from alembic_rehearsal.masking import masked
from alembic_rehearsal.model import Evidence, Failure, Finding, Severity

ID = "command-failed"

_HEADING = {
    "graph": "Alembic can't find its way through the revisions",
    "revision": "A revision's own code failed",
    "env": "The project did not start",
    "command": "The command failed",
}
_FIX = {
    "env": "Nothing was sent to a database, so nothing is known about the migrations. Install what is missing, or set\n"
    "the variables that the application reads on start (any value will do for a secret), and run again.\n"
    "A database URL has to have the shape and the driver of production's; its address doesn't matter:\n"
    "    DATABASE_URL=postgresql+psycopg2://user:password@host/name",
}
_ALEMBICS_OWN = {
    "unknown revision": (
        ("ResolutionError", "RangeNotAncestorError"),
        "The revision is not among the scripts, or not on the way up from production's: look at --target.",
    ),
}


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield the failure that ended the command when it carries no SQLSTATE."""
    trace = evidence.trace
    if trace.exit_status in (0, None) or not trace.probe_loaded or _graph.fault(evidence):
        return
    blame = _blame.of(trace)
    failure = blame.ended_by
    if failure is not None and failure.error is None:
        yield _failed(evidence, failure)
    elif failure is None and blame.cause is None and blame.logged is None:
        yield Finding(
            check=ID,
            severity=Severity.ERROR,
            message=_ended(trace.exit_status or 0),
            evidence=trace.output_tail[-10:],
            fix="Its last lines are above; the deploy would stop at the same exit status.",
        )


def _ended(status: int) -> str:
    if status < 0:
        return f"The command was ended by signal {-status}"
    return f"The command ended with status {status} and no Python exception"


def _failed(evidence: Evidence, failure: Failure) -> Finding:
    missing = _starved(evidence, failure)
    did_not_start = failure.phase == "env" and not evidence.trace.contexts
    # What the tool itself refused is no failure of production's; that finding says where it wanted to go.
    refused = any(each.outcome == "refused" for each in evidence.trace.connections)
    severity = Severity.UNPROVED if missing or did_not_start or refused else Severity.ERROR
    heading = f"Revision {failure.revision} failed in its own code" if failure.revision else _HEADING[failure.phase]
    fix = _FIX.get(failure.phase, "") if did_not_start else _advice(failure)
    lines = [*evidence.trace.warnings]
    if missing:
        lines.append(f"It read {', '.join(missing)}, whose rows are not in the rehearsed database.")
        fix = f"Take the rows along, and nothing is decided before:\n    {_rows.option(missing)}"
    return Finding(
        check="rows-missing" if missing else "project-did-not-start" if did_not_start else ID,
        severity=severity,
        message=f"{heading}: {failure.type.rsplit('.', 1)[-1]}: {masked(failure.text)}",
        evidence=tuple(lines),
        fix=fix,
        location=failure.location,
        revision=failure.revision,
    )


def _advice(failure: Failure) -> str:
    name = failure.type.rsplit(".", 1)[-1]
    chain = {name, *(part.rsplit(".", 1)[-1] for part in failure.chain)}
    for classes, text in _ALEMBICS_OWN.values():
        if chain & set(classes):
            return text
    return ""


def _starved(evidence: Evidence, failure: Failure) -> tuple[str, ...]:
    """Return the tables without rows that had been read just before code failed: a revision's, or what ran after it.

    A program that goes on with its own data migrations does so outside any revision, once the revisions are through.
    """
    went_on = not failure.revision and bool(evidence.trace.believed)
    if not went_on and (failure.phase != "revision" or not failure.revision):
        return ()
    reads = [
        statement
        for statement in evidence.trace.statements
        if statement.revision == failure.revision and statement.sql.lstrip()[:6].upper() in ("SELECT", "WITH")
    ]
    if not reads or reads[-1] is not evidence.trace.statements[-1]:
        return ()
    return _rows.left_out(evidence, _names.words(reads[-1].sql))
