"""The command said it succeeded, and a new connection does not see the revision it should have reached."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.model import Context, Evidence, Finding, Severity, VersionTable

ID = "heads-mismatch"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each version table that doesn't hold what Alembic was asked for."""
    if evidence.trace.exit_status != 0:
        return
    unfinished = [step.revision for step in evidence.trace.steps if step.outcome != "applied"]
    if unfinished:
        yield _finding(
            Severity.ERROR,
            f"The command ended with status 0 although revision {unfinished[-1]} failed",
            (),
            "Let the error end the command, or the deploy goes on without the migration.",
        )
        return
    for index, (context, before) in enumerate(zip(evidence.trace.contexts, evidence.tables, strict=True)):
        if context.as_sql:
            yield _finding(
                Severity.UNPROVED, "The command ran in offline mode: it printed SQL and applied nothing", (), ""
            )
            continue
        expected = _expected(evidence, context, index)
        rows = _now(evidence, context, before)
        if expected is None or set(rows) == set(expected):
            continue
        unchanged = before is not None and set(rows) == set(before.rows)
        done = "nothing was applied" if unchanged else f"it is at {_names(rows)}"
        yield _finding(
            Severity.ERROR,
            f"The command ended with status 0, and {context.version_table} is not at {_names(expected)}: {done}",
            (f"read back over a new connection: {_names(rows)}", f"expected: {_names(expected)}"),
            "A statement before context.configure() opens a transaction that nobody commits: commit it in env.py.\n"
            "An exception that env.py or a revision catches hides the failure: let it out.",
        )


def _expected(evidence: Evidence, context: Context, index: int) -> tuple[str, ...] | None:
    """Return the rows that prove success: the scripts' heads, or what Alembic meant to write for another target."""
    asked = set(context.destination) if evidence.options.command else {evidence.options.target}
    if asked & {"head", "heads"}:
        return context.heads
    believed = evidence.trace.believed
    return believed[index] if index < len(believed) else None


def _now(evidence: Evidence, context: Context, before: VersionTable | None) -> tuple[str, ...]:
    tables = evidence.readback.version_tables
    if before is not None:
        return next((t.rows for t in tables if (t.schema, t.name) == (before.schema, before.name)), ())
    old = {(t.schema, t.name) for t in evidence.restored.version_tables}
    named = [t for t in tables if t.name == context.version_table and (t.schema, t.name) not in old]
    return named[0].rows if len(named) == 1 else ()


def _names(revisions: tuple[str, ...]) -> str:
    return ", ".join(revisions) or "no revision"


def _finding(severity: Severity, message: str, lines: tuple[str, ...], fix: str) -> Finding:
    return Finding(check=ID, severity=severity, message=message, evidence=lines, fix=fix)
