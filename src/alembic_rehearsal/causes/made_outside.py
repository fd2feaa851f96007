"""Nobody's revision made it: a hand, `create_all()`, or another tool."""

from __future__ import annotations

from alembic_rehearsal.catalog import Facts, Key
from alembic_rehearsal.causes import _models, _shape, _sources
from alembic_rehearsal.causes._case import Case, parts
from alembic_rehearsal.model import Cause

ID = "made-outside"
_SEVERAL = 2


def diagnose(case: Case) -> Cause | None:
    """Return the cause when no revision that production has run makes what is in the way."""
    if case.kind == "undefined":
        return _left_as_it_was(case)
    if case.kind != "duplicate" or not case.keys or not case.history.revisions:
        return None
    key = case.keys[0]
    known = set(case.history.revisions)
    if not case.applied <= known or set(case.history.makers(key)) & case.applied:
        return None
    first = f"; revision {case.revision} is the first that does" if case.revision in case.history.makers(key) else ""
    return Cause(
        id=ID,
        message=f"{key} was made outside Alembic: no revision up to {case.stamped} makes it{first}",
        evidence=(*_owner(case, key), *_by_models(case), *_origin(case, key)),
        comparison=_shape.compared(case.production, case.wanted, key),
    )


def _left_as_it_was(case: Case) -> Cause | None:
    """Return the cause where a column is missing because a pending revision met its table and passed over it."""
    # The failing revision may be the one that passed over it.
    for facts in filter(None, (case.history.before(case.revision), case.wanted)):
        for wanted in case.named(facts):
            if (found := _without(case, facts, wanted)) is not None:
                return found
    return None


def _without(case: Case, facts: Facts, wanted: Key) -> Cause | None:
    table = facts.parents.get(wanted)
    if table is None or wanted in case.production or table not in case.production:
        return None
    makers = case.history.makers(table)
    if not makers or set(makers) & case.applied:
        return None
    return Cause(
        id=ID,
        message=f"{table} was made outside Alembic: no revision up to {case.stamped} makes it; revision "
        f"{makers[0]}, which does, left it as it was, without {wanted}",
        evidence=(*_owner(case, table), *_origin(case, table)),
        comparison=_shape.compared(case.production, facts, table),
    )


def _owner(case: Case, key: Key) -> tuple[str, ...]:
    owner = case.production.definitions.get(Key("owner", str(key)), {}).get("owner")
    migrator = case.evidence.migrator.role
    if owner is None or owner == migrator or not case.evidence.restored.owners_known:
        return ()
    return (f"it belongs to {owner}; what the migrations make belongs to {migrator}",)


def _by_models(case: Case) -> tuple[str, ...]:
    """Say what `create_all()` with newer models would have left, where production has just that."""
    there = _models.ahead(case, set(case.history.revisions) - case.applied)
    # One table alone is as likely a hand's.
    if there.tables_there < _SEVERAL or not there.as_create_all_leaves_it:
        return ()
    told = (
        f"production has {there.tables_there} of the {there.tables} tables that later revisions make, and not one "
        f"of the columns that they add to older tables ({there.columns}): create_all() makes tables, and changes none"
    )
    return (told,)


def _origin(case: Case, key: Key) -> tuple[str, ...]:
    """Name the model and the call of create_all() in the project, where there are any."""
    table = parts(key.identity)[1] if key.kind != "schema" and len(parts(key.identity)) > 1 else ""
    calls = _sources.create_all(case.evidence.project.checkout)
    if not calls or not table:
        return ()
    lines = [f"the project calls create_all() at {place}" for place in calls[:3]]
    lines += [f"{place} has a model of {table}" for place in _sources.models(case.evidence.project.checkout, table)[:2]]
    return tuple(lines)
