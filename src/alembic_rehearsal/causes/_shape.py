"""What is there against what is wanted: one object of production beside the same one of the history."""

from __future__ import annotations

from alembic_rehearsal.catalog import ABOUT, Facts, FactsDiff, Key, difference, sentences

_MOST = 12
_OTHERS = frozenset({"index", "sequence", "column"})


def compared(production: Facts, wanted: Facts | None, key: Key) -> tuple[str, ...]:
    """Return lines on how *key* and what belongs to it differ, one line when they are equal; () if unknown."""
    diff = diff_of(production, wanted, key)
    if diff is None:
        return ()
    if not diff:
        return (f"{key} is in production as the revision wants it",)
    lines = sentences(diff)
    more = (f"and {len(lines) - _MOST} more differences",) if len(lines) > _MOST else ()
    verdict = "compatible: production has more, and nothing is different" if compatible(diff) else "different"
    return (f"{key} in production is {verdict}", *lines[:_MOST], *more)


def diff_of(production: Facts, wanted: Facts | None, key: Key) -> FactsDiff | None:
    """Return the difference of *key* with all that belongs to it, None if the history doesn't have it."""
    if wanted is None or key not in wanted:
        return None
    here, there = (facts.only(facts.below({key})).without(kinds=ABOUT) for facts in (production, wanted))
    return difference(here, there)


def compatible(diff: FactsDiff) -> bool:
    """Say whether production only has more: nothing missing, nothing changed, no column that an INSERT must give."""
    return not (diff.missing or diff.changed) and all(
        each.key.kind in _OTHERS and (each.definition.get("nullable") is not False or "default" in each.definition)
        for each in diff.extra
    )
