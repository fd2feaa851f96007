"""An enum type that an earlier revision made is made once more, because a column names it."""

from __future__ import annotations

from alembic_rehearsal.catalog import Key
from alembic_rehearsal.causes import _shape
from alembic_rehearsal.causes._case import Case
from alembic_rehearsal.model import Cause

ID = "enum-made-twice"


def diagnose(case: Case) -> Cause | None:
    """Return the cause when the type is the history's own, or this run's, and CREATE TYPE meets it."""
    if case.error.sqlstate != "42710" or not case.finding.sql.lstrip().upper().startswith("CREATE TYPE"):
        return None
    key = next((key for key in case.keys if key.kind == "enum type"), None)
    if key is None:
        return _within_the_run(case)
    makers = [revision for revision in case.history.makers(key) if revision in case.applied]
    if not makers:
        return None
    return Cause(
        id=ID,
        message=f"{key} is revision {makers[-1]}'s, and a column of it in revision {case.revision} creates it again",
        evidence=_how(),
        comparison=_shape.compared(case.production, case.history.after(makers[-1]), key),
    )


def _within_the_run(case: Case) -> Cause | None:
    """Production has no such type: something earlier in this very run made it."""
    runs = [run for run in (case.evidence.trace, case.evidence.survey) if run is not None]
    makers = [
        each
        for run in runs
        for each in run.statements
        if each.error is None
        and each.sql.lstrip().upper().startswith("CREATE TYPE")
        and f" {case.subject} " in each.sql.replace('"', "")
    ]
    if not makers:
        return None
    first = makers[0]
    where = f" at {first.location.path}:{first.location.line}" if first.location else ""
    key = Key("enum type", case.subject)
    return Cause(
        id=ID,
        message=f"{key} is made twice in this run: by revision {first.revision}{where}, and again here",
        evidence=_how(),
    )


def _how() -> tuple[str, ...]:
    return (
        "SQLAlchemy sends CREATE TYPE for an Enum column of a new table, unless it is ENUM(create_type=False)",
        "a build from base passes, because Alembic remembers the types that the same process has made",
    )
