"""What is there against what is wanted: one object of production beside the same one of the history."""

from __future__ import annotations

from alembic_rehearsal.catalog import Facts, FactsDiff, Key, difference_at, first_sentences

_MOST = 12
_OTHERS = frozenset({"index", "sequence", "column"})


def compared(production: Facts, wanted: Facts | None, key: Key) -> tuple[str, ...]:
    """Return lines on how *key* and what belongs to it differ, one line when they are equal; () if unknown."""
    diff = difference_at(production, wanted, key)
    if diff is None:
        return ()
    if not diff:
        return (f"{key} is in production as the revision wants it",)
    verdict = "compatible: production has more, and nothing is different" if compatible(diff) else "different"
    return (f"{key} in production is {verdict}", *first_sentences(diff, _MOST))


def compatible(diff: FactsDiff) -> bool:
    """Say whether production only has more: nothing missing, nothing changed, no column that an INSERT must give."""
    return not (diff.missing or diff.changed) and all(
        each.key.kind in _OTHERS and (each.definition.get("nullable") is not False or "default" in each.definition)
        for each in diff.extra
    )
