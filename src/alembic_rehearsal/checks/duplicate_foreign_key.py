"""Two foreign keys that say the same: a naming convention changed, and the old one stayed."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.checks import _leftover
from alembic_rehearsal.model import Evidence, Finding, Severity

ID = "duplicate-foreign-key"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each table that the upgrade gave a foreign key which it had already."""
    for found in _leftover.of_kind(evidence, "duplicate foreign key"):
        names = found.detail.split(", ")
        yield _leftover.finding(
            evidence,
            found,
            ID,
            Severity.WARNING,
            f"After the upgrade {found.identity} has the same foreign key {len(names)} times: {found.detail}",
            "Each is checked on every write. Drop the one that was there, by its name in production:\n"
            f'    op.drop_constraint("{names[0]}", "{found.identity.rpartition(".")[2]}", type_="foreignkey")',
            *names,
        )
