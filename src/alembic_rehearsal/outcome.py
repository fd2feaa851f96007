"""What production would be left with: which revisions stand, which were undone, what is half-done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alembic_rehearsal import lineage
from alembic_rehearsal.model import Context, Evidence, Revision, RevisionLine, VersionTable

_MOST_OBJECTS = 12


def from_revisions(evidence: Evidence) -> tuple[str, ...]:
    """Return production's revisions before the run, in the version tables that the command uses."""
    tables = [table for table in evidence.tables if table is not None]
    if not evidence.trace.contexts:
        tables = list(evidence.restored.version_tables)
    return _rows(tables)


def to_revisions(evidence: Evidence) -> tuple[str, ...]:
    """Return the revisions of the same version tables after the run, as a new connection saw them."""
    now = evidence.readback.version_tables
    if not evidence.trace.contexts:
        return _rows(now)
    used = {
        (table.schema, table.name) if table else (context.schema, context.version_table)
        for context, table in zip(evidence.trace.contexts, evidence.tables, strict=True)
    }
    return _rows(t for t in now if (t.schema, t.name) in used or ("", t.name) in used)


def _rows(tables: Iterable[VersionTable]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row for table in tables for row in table.rows))


def revision_lines(evidence: Evidence) -> tuple[RevisionLine, ...]:
    """Return one line for each revision that was pending, in the order in which the command took them."""
    graph = lineage.graph(evidence.trace)
    standing = lineage.ancestors(to_revisions(evidence), graph)
    lines = []
    for step in evidence.trace.steps:
        known = graph.get(step.revision)
        lines.append(
            RevisionLine(
                revision=step.revision,
                message=known.message if known else "",
                outcome=_outcome(step.outcome, step.revision in standing, bool(evidence.readback.unfinished)),
                duration_ms=step.duration_ms if step.outcome == "applied" else None,
                down_revisions=step.down_revisions,
            )
        )
    return (*lines, *_not_reached(evidence, graph, {line.revision for line in lines}))


def _outcome(step: str, stands: bool, unfinished: bool) -> str:
    if step == "applied":
        return "applied" if stands else "rolled back"
    return "half-applied" if unfinished else "failed"


def _not_reached(evidence: Evidence, graph: Mapping[str, Revision], seen: set[str]) -> list[RevisionLine]:
    """Return the revisions between production's and the heads that the command did not come to."""
    if evidence.trace.exit_status == 0 or evidence.options.command or evidence.options.target not in ("head", "heads"):
        return []
    pending: list[RevisionLine] = []
    for context, table in zip(evidence.trace.contexts, evidence.tables, strict=True):
        done = lineage.ancestors(table.rows if table else (), graph) | seen
        wanted = lineage.ancestors(context.heads, graph) - done
        for revision in _in_order(context, wanted):
            line = RevisionLine(revision.revision, revision.message, "not reached", None, revision.down_revisions)
            pending.append(line)
            seen = seen | {revision.revision}
    return pending


def _in_order(context: Context, wanted: set[str]) -> list[Revision]:
    """Return *wanted* with every revision after those that it builds on."""
    ordered: list[Revision] = []
    waiting = [revision for revision in context.revisions if revision.revision in wanted]
    while waiting:
        placed = {revision.revision for revision in ordered}
        ready = [r for r in waiting if all(down in placed or down not in wanted for down in r.down_revisions)]
        if not ready:  # a cycle, which Alembic reports in its own words
            return ordered + waiting
        ordered += ready
        waiting = [revision for revision in waiting if revision not in ready]
    return ordered


def state_left(evidence: Evidence) -> tuple[str, ...]:
    """Say in sentences what production would be left with after this run."""
    before, after = from_revisions(evidence), to_revisions(evidence)
    name_before, name_after = ", ".join(before) or "no revision", ", ".join(after) or "no revision"
    back = evidence.readback
    if evidence.trace.exit_status == 0 and not lineage.failed(evidence.trace.steps):
        if set(before) == set(after) and not back.committed:
            heads = {head for context in evidence.trace.contexts for head in context.heads}
            why = "Nothing was pending" if set(after) >= heads else "Nothing was applied"
            return (f"{why}: production is at {name_after} and stays there.",)
        return (f"Production would go from {name_before} to {name_after}.",)
    lines = []
    if set(before) == set(after):
        lines.append(f"Production would stay at {name_before}: no revision is recorded as applied.")
    else:
        lines.append(f"Production would be left at {name_after}, on the way from {name_before}.")
    undone = [line.revision for line in revision_lines(evidence) if line.outcome == "rolled back"]
    if undone:
        lines.append(f"{', '.join(undone)} ran and would be rolled back: one transaction spans them and the failure.")
    if back.unfinished:
        lines.append("Half-done, committed before the failure and met again by the next try:")
        lines += [f"  {text}" for text in back.unfinished[:_MOST_OBJECTS]]
        if len(back.unfinished) > _MOST_OBJECTS:
            lines.append(f"  and {len(back.unfinished) - _MOST_OBJECTS} more")
    elif not back.committed:
        lines.append("Nothing else would be left behind: everything was rolled back.")
    return tuple(lines)
