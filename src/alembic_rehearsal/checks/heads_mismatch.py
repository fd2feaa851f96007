"""The command said it succeeded, and a new connection does not see that the revisions were run."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal import lineage
from alembic_rehearsal.model import Context, Evidence, Finding, Severity, VersionTable

ID = "heads-mismatch"

_FIX = (
    "A statement before context.configure() opens a transaction that nobody commits: commit it in env.py. "
    "An exception that env.py, a revision or the program catches hides the failure: let it out."
)
_FIX_COMMAND = (
    "Name the command that the deploy migrates with. If it is meant to stop before the heads, say where:\n"
    "    --target REVISION"
)
_FIX_STAMPED = "A stamp records revisions without running them: production would lack what they make."


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each version table that doesn't hold what Alembic was asked for, or holds what never ran."""
    trace = evidence.trace
    if trace.exit_status != 0:
        return
    failed = lineage.failed(trace.steps)
    if failed:
        yield _finding(
            Severity.ERROR,
            f"The command ended with status 0 although revision {failed[-1]} failed",
            (),
            "Let the error end the command, or the deploy goes on without the migration.",
        )
        return
    previewed = not all(context.as_sql for context in trace.contexts)
    for index, (context, before) in enumerate(zip(trace.contexts, evidence.tables, strict=True)):
        # SQL that was printed beside a real run is a preview of it.
        if not (context.as_sql and previewed):
            yield from _judged(evidence, context, before, index)


def _judged(evidence: Evidence, context: Context, before: VersionTable | None, index: int) -> Iterator[Finding]:
    if context.as_sql:
        yield _finding(Severity.UNPROVED, "The command ran in offline mode: it printed SQL and applied nothing", (), "")
        return
    expected = _expected(evidence, context, index)
    rows = _now(evidence, context, before)
    if expected is not None and set(rows) != set(expected):
        yield _elsewhere(evidence, context, before, rows, expected)
        return
    known = lineage.graph(evidence.trace)
    new = lineage.ancestors(rows, known) - lineage.ancestors(before.rows if before else (), known)
    skipped = sorted((new & set(known)) - {step.revision for step in evidence.trace.steps})
    if skipped:
        yield _finding(
            Severity.ERROR,
            f"{_names(tuple(skipped))} would be recorded as applied in {context.version_table} and never run",
            (f"read back over a new connection: {_names(rows)}",),
            _FIX_STAMPED,
        )


def _elsewhere(
    evidence: Evidence,
    context: Context,
    before: VersionTable | None,
    rows: tuple[str, ...],
    expected: tuple[str, ...],
) -> Finding:
    unchanged = before is not None and set(rows) == set(before.rows)
    done = "nothing was applied" if unchanged else f"it is at {_names(rows)}"
    # A program that never asked for the heads may be the wrong one; one that did has failed.
    asked = not evidence.options.command or set(context.destination) & {"head", "heads"}
    return _finding(
        Severity.ERROR if asked else Severity.UNPROVED,
        f"The command ended with status 0, and {context.version_table} is not at {_names(expected)}: {done}",
        (f"read back over a new connection: {_names(rows)}", f"expected: {_names(expected)}"),
        _FIX if asked else _FIX_COMMAND,
    )


def _expected(evidence: Evidence, context: Context, index: int) -> tuple[str, ...] | None:
    """Return the rows that prove success: the scripts' heads, or what Alembic meant to write for another target."""
    if evidence.options.target in ("head", "heads"):
        return context.heads
    believed = evidence.trace.believed
    return believed[index] if index < len(believed) else None


def _now(evidence: Evidence, context: Context, before: VersionTable | None) -> tuple[str, ...]:
    tables = evidence.readback.version_tables
    if before is not None:
        return next((t.rows for t in tables if (t.schema, t.name) == (before.schema, before.name)), ())
    if context.schema:
        return next((t.rows for t in tables if (t.schema, t.name) == (context.schema, context.version_table)), ())
    old = {(t.schema, t.name) for t in evidence.restored.version_tables}
    named = [t for t in tables if t.name == context.version_table and (t.schema, t.name) not in old]
    return named[0].rows if len(named) == 1 else ()


def _names(revisions: tuple[str, ...]) -> str:
    return ", ".join(revisions) or "no revision"


def _finding(severity: Severity, message: str, lines: tuple[str, ...], fix: str) -> Finding:
    return Finding(check=ID, severity=severity, message=message, evidence=lines, fix=fix)
