"""Findings on what an upgrade that went through has left in the catalogs."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.checks import _names
from alembic_rehearsal.model import Evidence, Finding, Relation, Severity, Statement


def of_kind(evidence: Evidence, kind: str) -> Iterator[Relation]:
    """Yield what is left of *kind*, where the command says that it succeeded."""
    if evidence.trace.exit_status == 0:
        yield from (each for each in evidence.left if each.kind == kind)


def finding(
    evidence: Evidence, found: Relation, check: str, severity: Severity, message: str, fix: str, *names: str
) -> Finding:
    """Return a finding on *found* at the last statement that names one of *names*."""
    statement = last_naming(evidence, frozenset(names))
    return Finding(
        check=check,
        severity=severity,
        message=message,
        evidence=(found.detail,),
        fix=fix,
        location=statement.location if statement else None,
        revision=statement.revision if statement else "",
    )


def last_naming(evidence: Evidence, names: frozenset[str]) -> Statement | None:
    """Return the last statement of a revision that names one of *names*."""
    wanted = frozenset(_names.unqualified(name) for name in names)
    named = [each for each in evidence.trace.statements if each.revision and wanted & _names.words(each.sql)]
    return named[-1] if named else None
