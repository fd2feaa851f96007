"""IF NOT EXISTS met an object that is there already: nothing was done, and nobody looked at its shape."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.catalog import Facts, Key, difference_at, first_sentences
from alembic_rehearsal.checks import _departures, _names
from alembic_rehearsal.model import Departure, Evidence, Finding, LogRecord, PgError, Severity, Statement, Trace

ID = "skipped-silently"

# duplicate_table, duplicate_column, duplicate_object, duplicate_schema as a NOTICE: "... already exists, skipping"
_STATES = frozenset({"42P07", "42701", "42710", "42P06"})
_RELATIONS = frozenset({"table", "foreign table", "view", "materialized view", "sequence", "index", "column"})
_MOST = 12
_FIX = (
    "Bring production's to the wanted shape in the same revision, after the operation that skips it: add what is\n"
    "missing, alter what differs."
)


def notices(trace: Trace) -> tuple[LogRecord, ...]:
    """Return the server's notices of objects that a pending revision skipped; the version table is not one."""
    own = {context.version_table for context in trace.contexts}
    return tuple(
        record
        for record in trace.log
        if record.severity == "NOTICE" and record.sqlstate in _STATES and _names.subject(_error(record)) not in own
    )


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each object that was skipped.

    One of another shape than from base is a warning, an error where `divergence` shows that the application would miss
    something in it; equal ones, and unknown ones, are a note.
    """
    upgraded, history = evidence.upgraded, evidence.history
    if upgraded is None or history is None or evidence.trace.exit_status != 0:
        return
    wanted = history.end() if history.complete else None
    for key, record in _skipped(evidence.trace, upgraded).items():
        diff = difference_at(upgraded, wanted, key)
        lines = first_sentences(diff, _MOST) if diff else ()
        where = _statement(evidence.trace, key)
        if lines:
            shape = "of another shape than the revisions make it from base"
            severity = Severity.ERROR if blamed(evidence, key) else Severity.WARNING
        elif diff is not None:
            shape, severity = "as the revisions make it from base", Severity.NOTE
        else:
            shape, severity = "compared with nothing: the history doesn't run from base", Severity.NOTE
        yield Finding(
            check=ID,
            severity=severity,
            message=f"{key} was there already and was skipped (SQLSTATE {record.sqlstate}); it is {shape}",
            evidence=lines,
            fix=_FIX if lines else "",
            location=where.location if where else None,
            revision=where.revision if where else "",
            sqlstate=record.sqlstate,
        )


def blamed(evidence: Evidence, key: Key) -> tuple[Departure, ...]:
    """Return the departures of *key* and what belongs to it that are errors: said here, not by `divergence`."""
    drift, upgraded, history = evidence.drift, evidence.upgraded, evidence.history
    if drift is None or upgraded is None or history is None:
        return ()
    below = {each for facts in (upgraded, history.end()) for each in facts.below({key})}
    return tuple(
        each
        for each in drift.departures
        if _departures.severity(each) is Severity.ERROR and Key(each.difference.kind, each.difference.identity) in below
    )


def skipped(evidence: Evidence) -> tuple[Key, ...]:
    """Return what this check reports on."""
    if evidence.upgraded is None or evidence.history is None or evidence.trace.exit_status != 0:
        return ()
    return tuple(_skipped(evidence.trace, evidence.upgraded))


def _skipped(trace: Trace, facts: Facts) -> dict[Key, LogRecord]:
    found: dict[Key, LogRecord] = {}
    for record in notices(trace):
        name, about = _names.subject(_error(record)), _names.quoted(_error(record))
        keys = [key for key in facts.definitions if _is(key, name, about, record.sqlstate)]
        if len(keys) == 1:
            found.setdefault(keys[0], record)
    return found


def _is(key: Key, name: str, about: frozenset[str], sqlstate: str) -> bool:
    parts = [_names.unqualified(part) for part in key.identity.split(".")]
    if sqlstate == "42701":
        return key.kind == "column" and parts[-1] == name and parts[-2] in about
    return key.kind in (_RELATIONS - {"column"} if sqlstate == "42P07" else {"schema"}) and parts[-1] == name


def _statement(trace: Trace, key: Key) -> Statement | None:
    name = _names.unqualified(key.identity)
    for statement in trace.statements:
        if statement.revision and "IF NOT EXISTS" in statement.sql.upper() and name in _names.words(statement.sql):
            return statement
    return None


def _error(record: LogRecord) -> PgError:
    return PgError(record.sqlstate, record.message)
