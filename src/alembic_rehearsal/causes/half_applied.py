"""The failing revision was interrupted once: a part of it was committed, and its version row was not."""

from __future__ import annotations

from alembic_rehearsal.catalog import Facts, Key, parse
from alembic_rehearsal.causes import _shape
from alembic_rehearsal.causes._case import Case
from alembic_rehearsal.model import Cause, Statement

ID = "half-applied"
_MOST = 4


def diagnose(case: Case) -> Cause | None:
    """Return the cause when a part of what the revision makes is there as it makes it, and it commits in between."""
    change = case.history.change_of(case.revision)
    if case.kind != "duplicate" or change is None or case.revision in case.applied or not case.keys:
        return None
    made = [key for key in change.changed if key.kind not in ("owner", "comment", "grant")]
    there = [key for key in made if _as_made(case.production, key, change.changed[key])]
    missing = [key for key in made if key not in case.production]
    commits = _commits(case)
    if not there or not missing or commits is None or not set(case.keys) & set(there):
        return None
    where = f" at {commits.location.path}:{commits.location.line}" if commits.location else ""
    return Cause(
        id=ID,
        message=f"Revision {case.revision} was applied in part: an earlier run was interrupted after it had committed",
        evidence=(
            f"it commits on its own{where}",
            f"already true in production: {_listed(there)}",
            f"not yet: {_listed(missing)}",
        ),
        comparison=_shape.compared(case.production, case.wanted, case.keys[0]),
    )


def _as_made(production: Facts, key: Key, text: str) -> bool:
    return production.definitions.get(key) == parse([(*key, text)]).definitions[key]


def _commits(case: Case) -> Statement | None:
    """Return the first statement of the revision that is committed before its version row is."""
    runs = [run for run in (case.evidence.trace, case.evidence.survey) if run is not None]
    for statement in (each for run in runs for each in run.statements if each.revision == case.revision):
        if not statement.in_transaction or statement.sql.strip().rstrip(";").upper() in ("COMMIT", "END"):
            return statement
    return None


def _listed(keys: list[Key]) -> str:
    # A table says its columns.
    tables = {key.identity for key in keys if key.kind == "table"}
    shown = [key for key in keys if key.kind != "column" or key.identity.rsplit(".", 1)[0] not in tables]
    more = f" and {len(shown) - _MOST} more" if len(shown) > _MOST else ""
    return ", ".join(map(str, shown[:_MOST])) + more
