"""A pending revision that is no no-op when it is run again on the schema that it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alembic_rehearsal import grades
from alembic_rehearsal.checks import _again, _guard, _lines
from alembic_rehearsal.model import Evidence, Finding, Severity

if TYPE_CHECKING:
    from alembic_rehearsal.again.records import Operation, Repeated

ID = "not-repeatable"

_MOST = 12
_CALM = (
    "Alembic runs a revision once, so this matters where a version row is lost or set back, and where the rule is\n"
    "that every operation is guarded. Each operation with its guard:\n    --idempotence repeatable"
)


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a warning for each such revision, or an error for each of its operations where the project wants that."""
    rerun = evidence.again.rerun if evidence.again else None
    if rerun is None:
        return
    strict = grades.blocks(evidence.options, "repeatable")
    for each in rerun.repeated:
        yield from _strict(each, rerun.flags) if strict else [_calm(each)]


def _calm(each: Repeated) -> Finding:
    lines = (*map(_line, each.operations), *_also(each))
    done = len(each.operations)
    what = f"{done} of its {each.count} statements" if done else "what it does"
    return Finding(
        check=ID,
        severity=Severity.WARNING,
        message=f"Revision {each.revision} can't be run twice: {what} would not be a no-op",
        evidence=_lines.first_of(lines, _MOST),
        fix=_CALM,
        location=each.operations[0].location if each.operations else each.location,
        revision=each.revision,
    )


def _strict(each: Repeated, flags: frozenset[str]) -> Iterator[Finding]:
    for operation in each.operations:
        error = operation.error
        said = f"ends with {_again.state(error)}" if error else f"writes {_rows(operation.rows)} once more"
        yield Finding(
            check=ID,
            severity=Severity.ERROR,
            message=f"Run again on the schema that it leaves, an operation of revision {each.revision} {said}",
            fix=_guard.fix(operation.sql, error, flags),
            location=operation.location,
            revision=each.revision,
            sqlstate=error.sqlstate if error else "",
            sql=_again.shortened(operation.sql),
            error=error,
        )
    if rest := tuple(_also(each)):
        yield Finding(
            check=ID,
            severity=Severity.ERROR,
            message=f"Run again on the schema that it leaves, revision {each.revision} does something once more",
            evidence=rest,
            fix="Give what it makes a name of its own, and ask for it first:\n    if not sa.inspect(op.get_bind())...",
            location=each.location,
            revision=each.revision,
        )


def _line(operation: Operation) -> str:
    said = _again.state(operation.error) if operation.error else f"writes {_rows(operation.rows)} once more"
    return f"{_again.place(operation.location)}{said}"


def _also(each: Repeated) -> Iterator[str]:
    yield from each.changes
    if each.stopped:
        yield f"what follows was not tried: {each.stopped}"


def _rows(count: int) -> str:
    return f"{count} row{'s' * (count != 1)}"
