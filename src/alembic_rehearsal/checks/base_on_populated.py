"""The history was started from its base although production has been migrated before: a green of the worst kind."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal import lineage
from alembic_rehearsal.model import Evidence, Finding, Severity, VersionTable

ID = "base-on-populated"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding when the first revision ran, and a version table elsewhere says that it ran long ago."""
    if "base" in evidence.options.at:
        return
    ours = set(lineage.graph(evidence.trace))
    # A version table with other revisions is another application's.
    stamped = [table for table in evidence.restored.version_tables if ours & set(table.rows)]
    for context, table in zip(evidence.trace.contexts, evidence.tables, strict=True):
        began_at_base = any(not step.down_revisions for step in evidence.trace.steps)
        if not stamped or (table is not None and table.rows) or not began_at_base or context.as_sql:
            continue
        if table is not None:
            yield _row_missing(table)
            continue
        places = ", ".join(f"{other.schema}.{other.name} ({', '.join(other.rows)})" for other in stamped)
        looked = f"{context.version_table_schema}." if context.version_table_schema else ""
        yield Finding(
            check=ID,
            severity=Severity.ERROR,
            message=f"The upgrade began at the base revision: it looked for {looked}{context.version_table} and "
            "found no row, although production has been migrated",
            evidence=(f"version tables with rows in production: {places}",),
            fix="A search_path set on production's database or role is not in a plain dump. Add it to the dump:\n"
            "    ALTER ROLE <role> IN DATABASE <name> SET search_path = <schema>, public;\n"
            "or name the schema in env.py: context.configure(version_table_schema=...)",
        )


def _row_missing(table: VersionTable) -> Finding:
    """Return the finding for a version table that is there, and empty: most likely only in the dump."""
    return Finding(
        check=ID,
        severity=Severity.UNPROVED,
        message=f"{table.schema}.{table.name} has no row in the dump, so the upgrade began at the base revision",
        fix="Take its row along, or say that production has none: --at base\n"
        f"    pg_dump --data-only --table='{table.schema}.{table.name}' \"$DATABASE_URL\" >> production.sql",
    )
