"""Operations that went through on empty tables, and may not on production's rows."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.checks import _dependence
from alembic_rehearsal.model import Evidence, Finding, Severity, Statement

ID = "depends-on-rows"

_MOST = 20
_FIX = "Run the queries on production; each should find nothing, and no error. Or rehearse with the rows:\n    {flags}"
_FIX_CERTAIN = "Give the column a server default, or add it as nullable, fill it, and set NOT NULL afterwards."


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a warning for what fails as soon as a table has one row, and a note for what depends on the rows."""
    if not evidence.bare:
        return
    names: dict[str, set[str]] = {}
    for identity in sorted(evidence.bare):
        names.setdefault(identity.rpartition(".")[2], set()).add(identity)
    certain: dict[str, tuple[Statement, str]] = {}
    other: dict[str, tuple[Statement, str]] = {}
    for statement in evidence.trace.statements:
        if not statement.revision or statement.error is not None:
            continue
        for need in _dependence.needs(statement.sql):
            table = _bare(need.table, names)
            if table:
                line = _line(statement, table, need)
                (certain if need.certain else other).setdefault(line, (statement, table))
    if certain:
        yield _finding(Severity.WARNING, "fails if the table has a row", certain, _FIX_CERTAIN)
    if other:
        tables = sorted({table for _, table in other.values()})
        flags = " ".join(f"--include-data {table}" for table in tables[:_MOST])
        yield _finding(
            Severity.NOTE, "depends on rows that are not in the rehearsed database", other, _FIX, flags=flags
        )


def _bare(table: str, names: dict[str, set[str]]) -> str:
    """Return the one table of production that *table* means and that has no rows here, else ""."""
    schema, name = _dependence.name_of(table)
    found = [each for each in names.get(name, ()) if not schema or each == f"{schema}.{name}"]
    return found[0] if len(found) == 1 else ""


def _line(statement: Statement, table: str, need: _dependence.Need) -> str:
    where = f" ({statement.location.path}:{statement.location.line})" if statement.location else ""
    query = f": {' '.join(need.query.split())}" if need.query else ""
    return f"{statement.revision}{where}, {table}: {need.what}{query}"


def _finding(
    severity: Severity, what: str, lines: dict[str, tuple[Statement, str]], fix: str, flags: str = ""
) -> Finding:
    count = len(lines)
    subject = "One operation" if count == 1 else f"{count} operations"
    more = (f"and {count - _MOST} more",) if count > _MOST else ()
    first = next(iter(lines.values()))[0]
    verb = what if count == 1 else what.replace("fails", "fail").replace("depends", "depend")
    return Finding(
        check=ID,
        severity=severity,
        message=f"{subject} passed here and {verb}",
        evidence=(*list(lines)[:_MOST], *more),
        fix=fix.format(flags=flags),
        location=first.location,
        revision=first.revision if count == 1 else "",
    )
