"""A statement that PostgreSQL refused on production's schema; with the survey, every one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from alembic_rehearsal import lineage
from alembic_rehearsal.checks import _blame, _doubts, _graph, _lines, _names
from alembic_rehearsal.model import Evidence, Finding, Location, PgError, Severity, Statement
from alembic_rehearsal.sqlstate import condition

ID = "upgrade-failed"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each operation that fails on its own, with its consequences folded into it."""
    trace = evidence.trace
    if trace.exit_status is None or not (trace.exit_status or lineage.failed(trace.steps)):
        return
    blame = _blame.of(evidence.trace)
    if blame.cause is not None and _graph.too_long(evidence) and _graph.about_id(blame.cause):
        yield from _fold(evidence, blame.cause, None)
        return
    if blame.cause is not None:
        first = _finding(evidence, blame.cause)
        if blame.swallowed_by is not None:
            first = _say_swallowed(first, blame.swallowed_by)
        yield from _fold(evidence, blame.cause, first)
        return
    error = blame.ended_by.error if blame.ended_by else None
    if error is None and blame.logged is None:
        return
    yield from _past_sqlalchemy(evidence, blame, error)
    yield from _fold(evidence, None, None)


def _past_sqlalchemy(evidence: Evidence, blame: _blame.Blame, error: PgError | None) -> Iterator[Finding]:
    """Yield the finding for an error of a connection that SQLAlchemy did not carry."""
    logged = blame.logged
    if error is None or (error.sqlstate == "25P02" and logged is not None):
        assert logged is not None
        error = PgError(logged.sqlstate, logged.message)
    failure = blame.ended_by
    found = _compose(
        evidence,
        error,
        revision=failure.revision if failure else "",
        location=failure.location if failure else None,
        sql=logged.statement if logged else "",
    )
    yield _say_swallowed(found, blame.swallowed_by) if blame.swallowed_by else found


def _finding(evidence: Evidence, statement: Statement) -> Finding:
    assert statement.error is not None
    revision = statement.revision or _revision_at(evidence, statement)
    return _compose(evidence, statement.error, revision=revision, location=statement.location, sql=statement.sql)


def _revision_at(evidence: Evidence, statement: Statement) -> str:
    """Return the revision whose version row *statement* was to write: it stands outside the revision's code."""
    if "version_num" not in statement.sql or not evidence.trace.steps:
        return ""
    return evidence.trace.steps[-1].revision


def _compose(evidence: Evidence, error: PgError, *, revision: str, location: Location | None, sql: str) -> Finding:
    meaning = condition(error.sqlstate, sql)
    doubt = _doubts.about(evidence, error, sql)
    who = f"Revision {revision}" if revision else "The command"
    lines = [line for line in (error.detail, error.hint) if line]
    lines += _standing(evidence, error, meaning.kind)
    if doubt is not None:
        lines.append(doubt.reason)
    return Finding(
        check=doubt.check if doubt else ID,
        severity=Severity.UNPROVED if doubt else Severity.ERROR,
        message=f"{who} failed with SQLSTATE {error.sqlstate} ({meaning.name}): {error.message}",
        evidence=tuple(lines),
        fix=doubt.fix if doubt else meaning.fix,
        location=location,
        revision=revision,
        sqlstate=error.sqlstate,
        sql=_lines.shortened(sql),
        error=error,
    )


def _standing(evidence: Evidence, error: PgError, kind: str) -> list[str]:
    """Say what production has under the name that the error is about."""
    if kind not in ("duplicate", "undefined"):
        return []
    name = _names.subject(error)
    found = evidence.present.get(name, ())
    if kind == "undefined":
        lines = [f"production has {item.kind} {item.identity}, {item.detail}" for item in found[:3]]
        return lines if found else [f'production has nothing called "{name}"'] if name else []
    if error.sqlstate == "42701":
        quoted = _names.quoted(error)
        found = tuple(item for item in found if item.kind == "column" and item.identity.split(".")[-2] in quoted)
    if not found:
        return [f'production has nothing called "{name}": an earlier statement of this run made it'] if name else []
    return [f"production has {item.kind} {item.identity}, {item.detail}" for item in found[:3]]


def _say_swallowed(finding: Finding, where: Statement) -> Finding:
    place = f" at {where.location.path}:{where.location.line}" if where.location else ""
    line = f"The error was caught and the run went on until SQLSTATE 25P02 (in_failed_sql_transaction){place}."
    fix = condition("25P02").fix
    return replace(finding, evidence=(*finding.evidence, line), fix=f"{fix}\n{finding.fix}".rstrip())


def _fold(evidence: Evidence, cause: Statement | None, first: Finding | None) -> Iterator[Finding]:
    """Yield *first* and what the survey saw after it; what needs a name that was skipped goes under its cause."""
    roots: list[tuple[frozenset[str], Finding]] = []
    if cause is not None and first is not None:
        roots.append((_names.made_by(cause), first))
    # A statement that only met an aborted transaction may fail by itself too; the survey says.
    failed = [each for each in evidence.trace.statements if each.error is not None and each.error.sqlstate != "25P02"]
    survived = {_place(each) for each in failed}
    unfit = bool(_graph.too_long(evidence))
    for statement in evidence.survey.statements if evidence.survey else ():
        if statement.error is None or not statement.skipped or _place(statement) in survived:
            continue
        if unfit and _graph.about_id(statement):
            continue
        found = replace(_finding(evidence, statement), conditional_on=bool(roots) or unfit)
        index = _root_of(statement, [names for names, _ in roots])
        if index is None:
            roots.append((_names.made_by(statement), found))
            continue
        names, root = roots[index]
        where = f"{statement.location.path}:{statement.location.line}: " if statement.location else ""
        folded = (*root.folded, f"{where}SQLSTATE {statement.error.sqlstate}: {statement.error.message}")
        roots[index] = (names | _names.made_by(statement), replace(root, folded=folded))
    yield from (finding for _, finding in roots)


def _root_of(statement: Statement, made: list[frozenset[str]]) -> int | None:
    """Return the index of the skipped statement that *statement* needed, None if it fails on its own."""
    assert statement.error is not None
    if condition(statement.error.sqlstate).kind != "undefined":
        return None
    wanted = _names.quoted(statement.error)
    return next((index for index, names in enumerate(made) if names & wanted), None)


def _place(statement: Statement) -> tuple[str, str, int | None, str]:
    where = statement.location
    return (statement.revision, where.path if where else "", where.line if where else None, statement.sql)
