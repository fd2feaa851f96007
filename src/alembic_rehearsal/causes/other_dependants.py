"""Something that only production has depends on it."""

from __future__ import annotations

from alembic_rehearsal.catalog import Key
from alembic_rehearsal.causes._case import Case, parts
from alembic_rehearsal.checks import _names
from alembic_rehearsal.model import Cause, PgError

ID = "other-dependants"


def diagnose(case: Case) -> Cause | None:
    """Return the cause when an object named by the error's detail is in production and not in the history."""
    before = case.history.before(case.revision)
    if case.kind != "dependants" or before is None:
        return None
    words = _names.words(case.error.detail) | _names.quoted(PgError("", case.error.detail))
    found = [key for key in case.production.definitions if _depends(case, key, words) and key not in before]
    if not found:
        return None
    return Cause(
        id=ID,
        message=f"Only production has what depends on it: {', '.join(map(str, found[:4]))}",
        evidence=tuple(f"no revision makes {key}" for key in found[:4]),
        comparison=tuple(
            str(case.production.definitions[key].get("definition", ""))[:300] for key in found[:1] if "view" in key.kind
        ),
    )


def _depends(case: Case, key: Key, words: frozenset[str]) -> bool:
    kinds = ("view", "materialized view", "foreign key", "table", "function", "policy", "trigger", "rule", "index")
    return key.kind in kinds and parts(key.identity)[-1] in words and f"{key.kind.split()[-1]} " in _kinds(case)


def _kinds(case: Case) -> str:
    # A foreign key is a "constraint" in the server's words; a rule stands for its view.
    return f"{case.error.detail} ".replace("constraint ", "constraint key ").replace("rule _RETURN on ", "")
