"""Something that only production has depends on it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.catalog import Key, uses
from alembic_rehearsal.causes._case import Case, parts
from alembic_rehearsal.checks import _names
from alembic_rehearsal.model import Cause, PgError

ID = "other-dependants"

# "cannot alter type of a column used by a view or rule", a policy, a trigger: it names one of them, and no more.
_COLUMN_IN_USE = "0A000"
_MOST = 4


def diagnose(case: Case) -> Cause | None:
    """Return the cause when what depends on the failing operation's object is in production and not in the history."""
    before = case.history.before(case.revision)
    if before is None or not (case.kind == "dependants" or case.error.sqlstate == _COLUMN_IN_USE):
        return None
    found = [key for key in dict.fromkeys((*_readers(case), *_named(case))) if key not in before]
    if not found:
        return None
    above = [key for key in uses.standing_on(found, case.production.uses) if key not in found]
    return Cause(
        id=ID,
        message=f"Only production has what depends on it: {', '.join(map(str, found[:_MOST]))}",
        evidence=(
            *(f"no revision makes {key}" for key in found[:_MOST]),
            *(f"{key} stands on what depends on it" for key in above[:_MOST]),
        ),
        comparison=tuple(
            str(case.production.definitions[key].get("definition", ""))[:300] for key in found[:1] if "view" in key.kind
        ),
    )


def _readers(case: Case) -> Iterator[Key]:
    """Yield the views that read the column whose type can't be changed, as the catalog has it: all of them."""
    if case.error.sqlstate != _COLUMN_IN_USE:
        return
    columns = _names.quoted(PgError("", case.error.detail))
    words = _names.words(case.finding.sql)
    for view, read in sorted(case.production.uses.items()):
        if any(parts(column)[-1] in columns and parts(relation)[-1] in words for relation, column in read):
            yield view


def _named(case: Case) -> Iterator[Key]:
    """Yield what the error's detail names."""
    words = _names.words(case.error.detail) | _names.quoted(PgError("", case.error.detail))
    yield from (key for key in case.production.definitions if _depends(case, key, words))


def _depends(case: Case, key: Key, words: frozenset[str]) -> bool:
    kinds = ("view", "materialized view", "foreign key", "table", "function", "policy", "trigger", "rule", "index")
    return key.kind in kinds and parts(key.identity)[-1] in words and f"{key.kind.split()[-1]} " in _kinds(case)


def _kinds(case: Case) -> str:
    # A foreign key is a "constraint" in the server's words; a rule stands for its view.
    return f"{case.error.detail} ".replace("constraint ", "constraint key ").replace("rule _RETURN on ", "")
