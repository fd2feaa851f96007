"""Which revision production's schema is that of, or nearest to."""

from __future__ import annotations

from alembic_rehearsal.catalog import ABOUT, difference, first_sentences
from alembic_rehearsal.causes._case import Case
from alembic_rehearsal.causes._distance import Distance, distances

_MOST = 5


def version_tables(case: Case) -> frozenset[str]:
    """Return the version tables, which are no part of what revisions make."""
    tables = {f"{table.schema}.{table.name}" for table in case.evidence.restored.version_tables}
    for context in case.evidence.trace.contexts:
        tables.add(f"{context.version_table_schema or 'public'}.{context.version_table}")
    return frozenset(tables)


def all_distances(case: Case) -> dict[str, int]:
    """Return how many facts each revision's schema and production's don't share, by revision."""
    return {each.revision: each.facts for each in distances(case.production, case.history, version_tables(case))}


def nearest(case: Case) -> Distance | None:
    """Return the revision whose schema is nearest to production's, of several the first."""
    found = all_distances(case)
    if not found:
        return None
    revision = min(found, key=lambda name: found[name])
    return Distance(revision, found[revision])


def words(case: Case, near: Distance) -> tuple[str, ...]:
    """Say how near production is to *near*."""
    if not near.facts:
        return (f"production's schema equals that of revision {near.revision}",)
    wanted = case.history.after(near.revision)
    assert wanted is not None
    tables = version_tables(case)
    here, there = (facts.without(kinds=ABOUT | {"extension"}, tables=tables) for facts in (case.production, wanted))
    lines = first_sentences(difference(here, there), _MOST)
    count = f"{near.facts} facts differ" if near.facts > 1 else "one fact differs"
    return (f"production's schema is nearest to that of revision {near.revision}: {count}", *lines)
