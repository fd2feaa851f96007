"""An index that PostgreSQL maintains and never uses: CREATE INDEX CONCURRENTLY failed, and was passed over."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.checks import _leftover
from alembic_rehearsal.model import Evidence, Finding, Severity

ID = "invalid-index"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each index that the upgrade left invalid."""
    for found in _leftover.of_kind(evidence, "invalid index"):
        yield _leftover.finding(
            evidence,
            found,
            ID,
            Severity.ERROR,
            f"The upgrade ended with status 0 and leaves the index {found.identity} invalid: it is written to, never "
            "used, and a unique one guards nothing",
            "Drop it before it is made; IF NOT EXISTS passes over the invalid one of an earlier try:\n"
            f'    op.execute("DROP INDEX CONCURRENTLY IF EXISTS {found.identity}")',
            found.identity,
        )
    for found in _leftover.of_kind(evidence, "partitioned invalid index"):
        yield _leftover.finding(
            evidence,
            found,
            ID,
            Severity.WARNING,
            f"The index {found.identity} of a partitioned table stays invalid: a partition has none attached to it",
            "    ALTER INDEX ... ATTACH PARTITION ...",
            found.identity,
        )
