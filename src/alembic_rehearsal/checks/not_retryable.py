"""A deploy that dies half-way through a revision leaves what the next one can't go on from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic_rehearsal.checks import _again, _guard, _lines, _names
from alembic_rehearsal.masking import masked
from alembic_rehearsal.model import Cut, Evidence, Finding, Severity

ID = "not-retryable"

_SEVERITY = {
    "failed": Severity.ERROR,
    "differs": Severity.ERROR,
    "rows": Severity.WARNING,
    "hindered": Severity.UNPROVED,
    "ran out of time": Severity.UNPROVED,
}
_MOST_LEFT = 6
_OWN_REVISION = (
    "Or give what commits by itself a revision of its own, with every statement in it guarded: what comes before it\n"
    "is then recorded in the version table, and only that one is done again."
)


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each way in which the try after a half-done one ends otherwise than an undisturbed one."""
    cuts = evidence.again.cuts if evidence.again else None
    alike: dict[object, list[Cut]] = {}
    for cut in cuts.tried if cuts else ():
        if cut.outcome in _SEVERITY:
            alike.setdefault(_way(cut), []).append(cut)
    for same in alike.values():
        yield _finding(same)


def _way(cut: Cut) -> object:
    """Return what is equal for two cuts that one finding tells."""
    error = (cut.error.sqlstate, cut.error.message) if cut.error else (cut.says, "")
    return (cut.revision, cut.outcome, error, cut.failed_at, cut.differences)


def _finding(same: Sequence[Cut]) -> Finding:
    cut = same[0]
    dead = f"A deploy that dies {_where(cut)} has committed a part of revision {cut.revision}"
    return Finding(
        check=ID,
        severity=_SEVERITY[cut.outcome],
        message=f"{dead}, and {_ending(cut)}",
        evidence=tuple(_evidence(cut)),
        fix=_fix(cut),
        location=cut.location,
        revision=cut.revision,
        sqlstate=cut.error.sqlstate if cut.error else "",
        sql=_lines.shortened(cut.sql),
        folded=tuple(f"the same if it dies {_where(each)}" for each in same[1:]),
        error=cut.error,
    )


def _where(cut: Cut) -> str:
    place = f"{cut.location.path}:{cut.location.line}" if cut.location else f"in revision {cut.revision}"
    return f"inside the statement of {place}" if cut.inside else f"after {place}"


def _ending(cut: Cut) -> str:
    if cut.outcome == "differs":
        return "the next one ends with status 0 and another schema than an undisturbed one"
    if cut.outcome == "rows":
        return "the next one ends with the same schema and other numbers of rows than an undisturbed one"
    if cut.outcome == "ran out of time":
        return "the next one did not end in time here"
    said = _again.state(cut.error) if cut.error else ""
    if cut.outcome == "hindered":
        return f"the next one was stopped by something else: {said or masked(cut.says)}"
    return f"the next one fails with {said}" if said else f"the next one fails: {masked(cut.says)}"


def _evidence(cut: Cut) -> Iterator[str]:
    if cut.left:
        rest = len(cut.left) - _MOST_LEFT
        more = f" and {rest} more" if rest > 0 else ""
        yield f"committed by then, without its version row: {', '.join(cut.left[:_MOST_LEFT])}{more}"
    if cut.failed_at or cut.failed_sql:
        place = f"{cut.failed_at.path}:{cut.failed_at.line}" if cut.failed_at else "the next try"
        sql = " ".join(masked(cut.failed_sql).split())
        yield f"the next try fails at {place}: {sql[:160]}" if sql else f"the next try fails at {place}"
    yield from cut.differences
    rows = ", ".join(cut.version_rows) or "no revision"
    yield f"production would stay at {rows}, with that part of {cut.revision} done, until somebody undoes it by hand"


def _fix(cut: Cut) -> str:
    if cut.outcome in ("hindered", "ran out of time"):
        return "Rehearse again; --timeout SECONDS, if it only takes long."
    index = _index(cut)
    if index:
        return (
            "Drop what an interrupted try has left before it is made, in the same autocommit block; IF NOT EXISTS\n"
            "would pass over an invalid index:\n"
            "    with op.get_context().autocommit_block():\n"
            f'        op.execute("DROP INDEX CONCURRENTLY IF EXISTS {index}")\n'
            f"        op.create_index(...)\n{_OWN_REVISION}"
        )
    guard = _guard.ROWS if cut.outcome == "rows" else _guard.fix(cut.failed_sql, cut.error, cut.flags)
    told = (
        f"Guard what is done again:\n{guard}\n"
        if guard
        else "Let the revision ask what is there before it changes it.\n"
    )
    return told + _OWN_REVISION


def _index(cut: Cut) -> str:
    """Return the name of the index that is half-made, or met again by CREATE INDEX CONCURRENTLY; "" for none."""
    told = cut.failed_sql or cut.sql
    if "concurrently" not in told.lower() or "index" not in told.lower():
        return ""
    known = [line.removeprefix("index ").removesuffix(" (changed)") for line in cut.left if line.startswith("index ")]
    words = _names.words(told)
    return next((name for name in known if _names.unqualified(name) in words), "")
