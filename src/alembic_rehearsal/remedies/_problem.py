"""What a remedy has at hand: everything that fails, place by place, and the schemas before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_rehearsal import lineage
from alembic_rehearsal.catalog import Facts
from alembic_rehearsal.causes._case import Case, case_of, current
from alembic_rehearsal.checks import _graph
from alembic_rehearsal.history import History
from alembic_rehearsal.model import Evidence, Finding, Severity


@dataclass(frozen=True, slots=True)
class Failing:
    """One statement of a revision file, and everything that PostgreSQL has against it.

    Attributes:
        path: as in a `Location`.
        line: 1-based.
    """

    path: str
    line: int
    revision: str
    cases: tuple[Case, ...]


# There is one in a run: what is made of it is kept by the object itself, not by all that it holds.
@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """An upgrade that fails.

    Attributes:
        findings: the errors among the findings, in their order.
        failing: their places.
        elsewhere: the findings that are about no operation of a revision.
        applied: the revisions that production has run, by its version rows, less those whose id stands in two files.
    """

    evidence: Evidence
    production: Facts
    surveyed: Facts
    history: History
    findings: tuple[Finding, ...]
    failing: tuple[Failing, ...]
    elsewhere: tuple[Finding, ...]
    applied: frozenset[str]


def problem_of(findings: Iterable[Finding], evidence: Evidence) -> Problem | None:
    """Return what there is to mend, None when too little is known for a remedy to be judged."""
    errors = tuple(finding for finding in findings if finding.severity is Severity.ERROR)
    if not errors or evidence.production is None or evidence.surveyed is None or evidence.history is None:
        return None
    places: dict[tuple[str, int, str], list[Case]] = {}
    elsewhere = []
    for finding in errors:
        case = case_of(finding, evidence)
        where = finding.location
        if case is None or where is None or where.line is None or not finding.revision:
            elsewhere.append(finding)
            continue
        places.setdefault((where.path, where.line, finding.revision), []).append(case)
    # An id of two files doesn't tell which of them production has run.
    applied = lineage.ancestors(current(evidence), lineage.graph(evidence.trace)) - set(
        _graph.twice(evidence.trace.scripts)
    )
    return Problem(
        evidence=evidence,
        production=evidence.production,
        surveyed=evidence.surveyed,
        history=evidence.history,
        findings=errors,
        failing=tuple(Failing(*place, tuple(cases)) for place, cases in places.items()),
        elsewhere=tuple(elsewhere),
        applied=frozenset(applied),
    )
