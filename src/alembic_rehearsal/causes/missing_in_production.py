"""A revision that production has run made it, and it is gone: dropped or renamed outside Alembic."""

from __future__ import annotations

from alembic_rehearsal.catalog import Facts, Key
from alembic_rehearsal.causes._case import Case
from alembic_rehearsal.model import Cause

ID = "missing-in-production"


def diagnose(case: Case) -> Cause | None:
    """Return the cause when the history has it at this point and production hasn't."""
    before = case.history.before(case.revision)
    if case.kind != "undefined" or before is None:
        return None
    for wanted in case.named(before):
        makers = case.history.makers(wanted)
        if wanted in case.production or not makers:
            continue
        if makers[-1] not in case.applied:
            continue
        return Cause(
            id=ID,
            message=f"{wanted} was dropped or renamed outside Alembic: revision {makers[-1]}, which production has "
            "run, makes it, and production has not got it",
            evidence=_alike(case.production, before, wanted),
            revision=makers[-1],
        )
    return None


def _alike(production: Facts, before: Facts, wanted: Key) -> tuple[str, ...]:
    """Name a table with the same columns that the history doesn't know: what it was renamed to."""
    if wanted.kind not in ("table", "column"):
        return ()
    new = [key for key in production.definitions if key.kind == wanted.kind and key not in before]
    if wanted.kind == "column":
        same = [key for key in new if _column(production, key) == _column(before, wanted)]
        return tuple(f"{key}, which no revision makes, is defined as it" for key in same[:2])
    same = [key for key in new if _columns(production, key) == _columns(before, wanted)]
    return tuple(f"{key}, which no revision makes, has the same columns" for key in same[:2])


def _column(facts: Facts, key: Key) -> tuple[object, ...]:
    return (facts.parents.get(key), facts.definitions[key])


def _columns(facts: Facts, table: Key) -> frozenset[str]:
    return frozenset(
        key.identity.removeprefix(table.identity)
        for key, parent in facts.parents.items()
        if parent == table and key.kind == "column"
    )
