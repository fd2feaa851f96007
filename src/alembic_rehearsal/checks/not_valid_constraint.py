"""A constraint that holds for new rows only, because nobody validated it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.checks import _leftover
from alembic_rehearsal.model import Evidence, Finding, Severity

ID = "not-valid-constraint"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a note for each constraint that the upgrade made NOT VALID and left so: a later deploy has to finish it."""
    for found in _leftover.of_kind(evidence, "not valid constraint"):
        table, _, name = found.identity.rpartition(".")
        yield _leftover.finding(
            evidence,
            found,
            ID,
            Severity.NOTE,
            f"After the upgrade {found.identity} is NOT VALID: rows that are there already were not looked at",
            f'In a later revision:\n    op.execute("ALTER TABLE {table} VALIDATE CONSTRAINT {name}")',
            name,
        )
