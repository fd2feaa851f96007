"""Why an operation fails on production: one named cause a file, each with its evidence, none of them a guess."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from alembic_rehearsal.catalog import Facts, Key
from alembic_rehearsal.causes import (
    _own_code,
    enum_made_twice,
    half_applied,
    made_by_other_branch,
    made_outside,
    made_twice,
    missing_in_production,
    never_made,
    never_stamped,
    no_right,
    origin_unknown,
    other_dependants,
    other_name,
    version_behind,
)
from alembic_rehearsal.causes._case import Case, case_of, named
from alembic_rehearsal.checks import _names
from alembic_rehearsal.model import Cause, Evidence, Finding, Trace
from alembic_rehearsal.sqlstate import condition

__all__ = ["CAUSES", "Diagnosis", "explained", "in_the_way"]


class Diagnosis(Protocol):
    """What a module of this folder has to offer."""

    ID: str

    def diagnose(self, case: Case) -> Cause | None:
        """Return the cause if the evidence of *case* shows it, else None."""


# The first that shows is the cause: the narrower ones stand before the wider.
CAUSES: tuple[Diagnosis, ...] = (
    never_stamped,
    version_behind,
    half_applied,
    enum_made_twice,
    made_twice,
    made_by_other_branch,
    made_outside,
    other_name,
    missing_in_production,
    never_made,
    other_dependants,
    no_right,
    origin_unknown,
)


def explained(findings: Iterable[Finding], evidence: Evidence) -> tuple[Finding, ...]:
    """Return *findings*, each with its cause where the evidence shows one.

    What stands behind a cause is said once: of several findings that it explains alike, under the first.
    """
    told: set[Cause] = set()
    found = []
    for finding in findings:
        cause = _cause(finding, evidence)
        if cause in told:
            found.append(replace(finding, cause=replace(cause, evidence=("as above",), comparison=())))
            continue
        found.append(replace(finding, cause=cause))
        told |= {cause} if cause else set()
    return tuple(found)


def in_the_way(survey: Trace, production: Facts) -> tuple[Key, ...]:
    """Return what *production* has under the names that the statements of *survey* found taken."""
    found: dict[Key, None] = {}
    for statement in survey.statements:
        if statement.error is not None and condition(statement.error.sqlstate).kind == "duplicate":
            keys = named(production, _names.subject(statement.error), statement.error, statement.sql)
            found.update(dict.fromkeys(keys[:1]))
    return tuple(found)


def _cause(finding: Finding, evidence: Evidence) -> Cause | None:
    case = case_of(finding, evidence, _own_code.looked_for(finding, evidence))
    if case is None:
        return None
    found = (each.diagnose(case) for each in CAUSES)
    return next((cause for cause in found if cause is not None), None)
