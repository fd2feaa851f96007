"""Where what is there differs from what is wanted, and the operations that take the difference away."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from alembic_rehearsal.catalog import FactsDiff, Key, difference_at
from alembic_rehearsal.causes._case import Case, parts
from alembic_rehearsal.checks import _names
from alembic_rehearsal.remedies import _operations
from alembic_rehearsal.remedies._part import Part
from alembic_rehearsal.remedies._problem import Problem
from alembic_rehearsal.remedies._spot import NotGuardableError

_NAMED = _operations.CONSTRAINTS | {"index"}


@dataclass(frozen=True, slots=True)
class Rename:
    """How a constraint or an index gets the name that the revisions know it by."""

    sentence: str
    parts: tuple[Part, ...]


def diff_of(problem: Problem, case: Case) -> FactsDiff:
    """Return how the object of *case* differs from what its revision makes, less what later operations bring."""
    found = difference_at(problem.production, case.wanted, case.keys[0]) if case.keys else None
    if found is None:
        return FactsDiff()
    own = _made_elsewhere(problem, case)
    missing = []
    for lone in found.missing:
        if lone.key in own or lone.key in problem.surveyed:
            continue
        missing.append(replace(lone, folded=tuple(key for key in lone.folded if key not in own)))
    return FactsDiff(
        missing=tuple(missing),
        changed=tuple(
            change for change in found.changed if change.key not in own and not _brought(problem, change.key)
        ),
        renamed=found.renamed,
    )


def reconciling(problem: Problem, case: Case) -> tuple[Part, ...]:
    """Return the operations that bring the object of *case* to the shape that its revision makes."""
    diff = diff_of(problem, case)
    if not diff or case.wanted is None or case.kind != "duplicate":
        return ()
    return tuple(_operations.parts_of(diff, dict(case.wanted.definitions)))


def comes(problem: Problem, case: Case) -> bool:
    """Say whether what *case* lacks is made by the reconciliation of another object before it."""
    if case.kind != "undefined":
        return False
    missing = {
        key
        for failing in problem.failing
        for other in failing.cases
        if other.kind == "duplicate"
        for lone in diff_of(problem, other).missing
        for key in (lone.key, *lone.folded)
    }
    return any(parts(key.identity)[-1] == case.subject for key in missing)


def rename(problem: Problem, case: Case) -> Rename:
    """Return how production's constraint or index of another name gets the name that the revision uses.

    Raises:
        NotGuardableError: it isn't known any more.
    """
    before = case.history.before(case.revision)
    cause = case.finding.cause
    for wanted in case.named(before) if before is not None else ():
        table = before.parents.get(wanted) if before is not None else None
        for key in problem.production.definitions:
            same = key.kind == wanted.kind and problem.production.parents.get(key) == table
            if table is None or cause is None or not same or parts(key.identity)[-1] != cause.other_name:
                continue
            found = tuple(_operations.rename(key, wanted, table.identity))
            if found:
                return Rename(f"{key.kind} {cause.other_name} becomes {parts(wanted.identity)[-1]}", found)
    raise NotGuardableError(f"the {case.subject} of another name was not found")


def other(problem: Problem, case: Case) -> Part | None:
    """Return what drops production's constraint or index of the same name, if it is another one; else None."""
    key = case.keys[0] if case.keys else None
    wanted = case.wanted
    if key is None or wanted is None or case.kind != "duplicate" or key.kind not in _NAMED:
        return None
    same = [each for each in wanted.definitions if each.kind in _NAMED and _same_name(each, key)]
    if key in wanted:
        same = [key] if any(change.key == key for change in diff_of(problem, case).changed) else []
    if not same:
        return None
    return replace(_operations.dropped(key), note=_operations.rows_against(same[0], wanted.definitions[same[0]]))


def _same_name(one: Key, other: Key) -> bool:
    """Say whether two of them, an index and a constraint for instance, have one name in one schema."""
    return (parts(one.identity)[0], parts(one.identity)[-1]) == (parts(other.identity)[0], parts(other.identity)[-1])


def _made_elsewhere(problem: Problem, case: Case) -> Collection[Key]:
    """Return the keys that other operations see to: ones that fail as well, or only for want of what this one lacks."""
    others = [
        other for each in problem.failing for other in each.cases if other.finding.location != case.finding.location
    ]
    lacking = {name for other in others if other.kind == "undefined" for name in _names.words(other.finding.sql)}
    wanted = case.wanted
    assert wanted is not None
    waiting = {
        key for key in wanted.definitions if key.kind in ("index", "view") and parts(key.identity)[-1] in lacking
    }
    return waiting | {key for other in others if other.kind == "duplicate" for key in other.keys[:1]}


def _brought(problem: Problem, key: Key) -> bool:
    """Say whether the upgrade itself leaves *key* as the history does, when it skips what fails."""
    end = problem.history.end()
    return key in end and problem.surveyed.definitions.get(key) == end.definitions[key]
