"""The constraint or index is in production, under another name."""

from __future__ import annotations

from alembic_rehearsal.catalog import Facts, Key
from alembic_rehearsal.causes._case import Case, parts
from alembic_rehearsal.model import Cause

ID = "other-name"

_NAMED = frozenset(
    {"primary key", "unique constraint", "check constraint", "foreign key", "exclusion constraint", "index"}
)


def diagnose(case: Case) -> Cause | None:
    """Return the cause when production has an equal one on the same table that the history doesn't have."""
    before = case.history.before(case.revision)
    if case.kind != "undefined" or before is None:
        return None
    for wanted in case.named(before):
        if wanted.kind not in _NAMED or wanted in case.production:
            continue
        for key in _equal(case.production, before, wanted):
            name = parts(key.identity)[-1]
            return Cause(
                id=ID,
                message=f'Production has the {wanted.kind} under another name: "{name}" instead of "{case.subject}"',
                evidence=(f"both are: {before.definitions[wanted].get('definition', wanted.kind)}", *_convention(name)),
                other_name=name,
            )
    return None


def _equal(production: Facts, before: Facts, wanted: Key) -> list[Key]:
    """Return what *production* has on the same table with the same definition, and the history doesn't know."""
    return [
        key
        for key, definition in production.definitions.items()
        if key.kind == wanted.kind
        and key not in before
        and definition == before.definitions[wanted]
        and production.parents.get(key) == before.parents.get(wanted)
    ]


def _convention(name: str) -> tuple[str, ...]:
    # The names that PostgreSQL gives, and those of the convention in SQLAlchemy's manual:
    # https://docs.sqlalchemy.org/en/20/core/constraints.html#configuring-constraint-naming-conventions
    if name.endswith(("_fkey", "_key", "_pkey", "_check", "_excl", "_idx")):
        return ("a name that PostgreSQL gave: the constraint was made without one",)
    if name.startswith(("fk_", "uq_", "pk_", "ck_", "ix_")):
        return ("a name of a naming convention: metadata had one when this was made",)
    return ()
