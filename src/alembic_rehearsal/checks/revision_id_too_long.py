"""A revision's id is longer than production's version table can hold: its work is done, and can't be recorded."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.checks import _graph
from alembic_rehearsal.model import Evidence, Finding, Severity

ID = _graph.TOO_LONG


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each pending id that doesn't fit, where the command failed over one of them."""
    for number, (table, revision) in enumerate(_graph.too_long(evidence)):
        name = f"{table.schema}.{table.name}"
        yield Finding(
            check=ID,
            severity=Severity.ERROR,
            message=f"The id {revision.revision} has {len(revision.revision)} characters, and production's {name} "
            f"takes {table.width}: SQLSTATE 22001 when the revision is recorded, after its work is done",
            evidence=(f"column {name}.version_num: character varying({table.width})",),
            fix=f"Shorten it, in this file and in the down_revision of what builds on it, to {table.width} characters. "
            "Or widen the column in a revision before it:\n"
            f'    op.alter_column("{table.name}", "version_num", type_=sa.String(255), schema="{table.schema}")',
            location=_graph.place(evidence, revision),
            revision=revision.revision,
            sqlstate="22001",
            conditional_on=number > 0,
        )
