"""The version table says the same twice: a row whose revision another row's builds on, or one that is there again."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.checks import _graph
from alembic_rehearsal.model import Evidence, Finding, Severity, VersionTable

ID = _graph.OVERLAP


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each such row, where the command ended because of it."""
    if _graph.fault(evidence) != ID:
        return
    for table, row, above in _graph.overlaps(evidence):
        message, sql = _again(table, row) if row == above else _below(table, row, above)
        yield Finding(
            check=ID,
            severity=Severity.ERROR,
            message=message,
            evidence=(
                f"rows of {table.schema}.{table.name}: {', '.join(table.rows)}",
                f"Alembic: {evidence.trace.failures[-1].text}",
            ),
            fix=f"On production, once it is known how the row got there:\n    {sql}",
            revision=row,
        )


def _below(table: VersionTable, row: str, above: str) -> tuple[str, str]:
    message = f"Production's version table has {row} and {above}, which builds on it: Alembic refuses both together"
    return message, f"DELETE FROM {table.schema}.{table.name} WHERE version_num = '{row}';"  # noqa: S608


def _again(table: VersionTable, row: str) -> tuple[str, str]:
    name = f"{table.schema}.{table.name}"
    message = f"{name} has {row} {table.rows.count(row)} times, and Alembic expects to change one row"
    delete = f"DELETE FROM {name} a USING {name} b WHERE a.ctid < b.ctid AND a.version_num = b.version_num;"  # noqa: S608
    return message, f"{delete}\n    ALTER TABLE {name} ADD PRIMARY KEY (version_num);"
