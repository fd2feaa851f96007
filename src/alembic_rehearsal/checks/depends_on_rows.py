"""Operations that went through on empty tables, and may not on production's rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from alembic_rehearsal.checks import _dependence
from alembic_rehearsal.checks._lines import first_of
from alembic_rehearsal.model import Evidence, Finding, Severity, Statement, Trace

ID = "depends-on-rows"

_MOST = 20
_QUERIES = (
    "Run the queries on production; each should find nothing, and no error. Or rehearse with the rows:\n    {flags}"
)
_ROWS = "Rehearse with the rows:\n    {flags}"
_FIX_CERTAIN = "Give the column a server default, or add it as nullable, fill it, and set NOT NULL afterwards."
# undefined column, table, function, object, schema: what the query is about is made by the same upgrade, and its rows
# with it. https://www.postgresql.org/docs/current/errcodes-appendix.html
_NOT_THERE_YET = frozenset({"42703", "42P01", "42883", "42704", "3F000"})


@dataclass(frozen=True, slots=True)
class _Line:
    """One operation.

    Attributes:
        table: its qualified name in production.
    """

    statement: Statement
    table: str
    need: _dependence.Need


@dataclass
class _Tables:
    """Production's tables without rows, by the names that they have at this point of the upgrade."""

    bare: frozenset[str]
    names: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for identity in self.bare:
            self.names.setdefault(identity.rpartition(".")[2], set()).add(identity)

    def find(self, table: str) -> str:
        """Return the one table that *table* means, else ""."""
        schema, name = _dependence.name_of(table)
        found = [each for each in self.names.get(name, ()) if not schema or each.startswith(f"{schema}.")]
        return found[0] if len(found) == 1 else ""

    def follow(self, sql: str) -> None:
        """Take note of a table that *sql* empties, drops or renames."""
        gone = self.find(table) if (table := _dependence.emptied(sql)) else ""
        if gone:
            self.names[_dependence.name_of(table)[1]].discard(gone)
        old, new = _dependence.renamed(sql)
        moved = self.find(old) if old else ""
        if moved:
            self.names[_dependence.name_of(old)[1]].discard(moved)
            self.names.setdefault(_dependence.name_of(new)[1], set()).add(moved)


def needs(trace: Trace, bare: frozenset[str]) -> tuple[_dependence.Need, ...]:
    """Return what the revisions asked of the rows of *bare* tables, to be tried on production's schema."""
    return tuple(dict.fromkeys(line.need for line in _lines(trace.statements, bare)))


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a warning for what fails as soon as a table has one row, and a note for what depends on the rows.

    Where the dump shows that such a table has rows, the failure is as good as seen: no verdict without them.
    """
    seen: list[_Line] = []
    certain: list[_Line] = []
    other: list[_Line] = []
    for line in _lines(evidence.trace.statements, evidence.bare):
        state = evidence.needs.get(line.need, "")
        if line.need.certain:
            (seen if line.table in evidence.restored.rows_left_out else certain).append(line)
        elif state != "moot" and state not in _NOT_THERE_YET:
            other.append(line)
    if seen:
        yield _finding(evidence, Severity.UNPROVED, "fails on the rows that the dump has", seen, _ROWS)
    if certain:
        yield _finding(evidence, Severity.WARNING, "fails if the table has a row", certain, _FIX_CERTAIN)
    if other:
        queries = any(_query(evidence, line.need) for line in other)
        what = "depends on rows that are not in the rehearsed database"
        yield _finding(evidence, Severity.NOTE, what, other, _QUERIES if queries else _ROWS)


def _lines(statements: Iterable[Statement], bare: frozenset[str]) -> Iterator[_Line]:
    if not bare:
        return
    tables = _Tables(bare)
    for statement in statements:
        if not statement.revision or statement.error is not None:
            continue
        for need in _dependence.needs(statement.sql):
            table = tables.find(need.table)
            if table and not _dependence.emptied(statement.sql):
                yield _Line(statement, table, need)
        tables.follow(statement.sql)


def _query(evidence: Evidence, need: _dependence.Need) -> str:
    """Return the query for production, "" where it would not run there."""
    return " ".join(need.query.split()) if evidence.needs.get(need, "") == "" else ""


def _said(evidence: Evidence, line: _Line) -> str:
    at = line.statement.location
    where = f" ({at.path}:{at.line})" if at else ""
    query = _query(evidence, line.need)
    return f"{line.statement.revision}{where}, {line.table}: {line.need.what}{f': {query}' if query else ''}"


def _finding(evidence: Evidence, severity: Severity, what: str, lines: list[_Line], fix: str) -> Finding:
    said = tuple(dict.fromkeys(_said(evidence, line) for line in lines))
    tables = sorted({line.table for line in lines})
    flags = " ".join(f"--include-data {table}" for table in tables[:_MOST])
    one = len(said) == 1
    verb = what if one else what.replace("fails", "fail").replace("depends", "depend")
    first = lines[0].statement
    return Finding(
        check=ID,
        severity=severity,
        message=f"{'One operation' if one else f'{len(said)} operations'} passed here and {verb}",
        evidence=first_of(said, _MOST),
        fix=fix.format(flags=flags),
        location=first.location,
        revision=first.revision if one else "",
    )
