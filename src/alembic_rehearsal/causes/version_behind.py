"""The version row is behind: production's schema is that of a later revision."""

from __future__ import annotations

from alembic_rehearsal.catalog import Key
from alembic_rehearsal.causes import _models
from alembic_rehearsal.causes._case import Case
from alembic_rehearsal.causes._distance import Distance
from alembic_rehearsal.causes._nearest import all_distances, words
from alembic_rehearsal.model import Cause

ID = "version-behind"


def diagnose(case: Case) -> Cause | None:
    """Return the cause when a revision that is not recorded fits production best, and all that it did is done."""
    if case.kind not in ("duplicate", "undefined") or case.revision in case.applied:
        return None
    found = all_distances(case)
    if case.revision not in found or not found:
        return None
    least = min(found.values())
    # Of several with the same schema the last: those in between changed nothing that can be seen.
    best = [revision for revision in found if found[revision] == least][-1]
    behind = [found[revision] for revision in found if revision in case.applied]
    if best in case.applied or (behind and min(behind) <= least) or not _done(case):
        return None
    if _beyond(case, best) or (least and _by_models(case, best)):
        return None
    what = "equals" if not least else "is nearest to"
    return Cause(
        id=ID,
        message=f"The version row is behind: it says {case.stamped}, and production's schema {what} revision {best}'s",
        evidence=words(case, Distance(best, least)),
        revision=best if not least else "",
    )


def _done(case: Case) -> bool:
    """Say whether everything that the failing revision made is in production, and what it removed is not."""
    change = case.history.change_of(case.revision)
    if change is None:
        return False
    made = {key for key in change.changed if key.kind not in ("owner", "comment", "grant", "extension")}
    gone = {key for key in change.gone if key.kind not in ("owner", "comment", "grant", "extension")}
    there = all(key in case.production or _nameless(key) for key in made)
    return bool(made or gone) and there and not any(key in case.production for key in gone)


def _beyond(case: Case, best: str) -> bool:
    """Say whether production has a table that only a revision after *best* makes: no upgrade has left it like that.

    `create_all()` with newer models does: it makes every table that is missing, and no column.
    """
    revisions, wanted = case.history.revisions, case.history.after(best)
    later = set(revisions[revisions.index(best) + 1 :]) - case.applied
    tables = (
        key
        for change in case.history.changes
        if change.revision in later
        for key in change.changed
        if key.kind == "table"
    )
    return wanted is not None and any(key in case.production and key not in wanted for key in tables)


def _by_models(case: Case, best: str) -> bool:
    """Say whether production has tables of the revisions up to *best*, and nothing that they do to older tables."""
    revisions = case.history.revisions
    between = set(revisions[: revisions.index(best) + 1]) - case.applied
    return _models.ahead(case, between).as_create_all_leaves_it


def _nameless(key: Key) -> bool:
    """Constraints may go by other names; the distance compares them by what they say."""
    return key.kind.endswith(("key", "constraint", "index"))
