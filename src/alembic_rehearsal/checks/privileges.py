"""What a role of the application could use before the upgrade, or would expect to, and can't use after it.

A right that is gone from an object of the same name is an error: the catalogs of both sides prove it, no later deploy
gives it back, and whoever used it meets 42501 from that moment on. A table that is dropped and made again loses its
grants, and nothing says so. What a revision takes away by REVOKE or DROP OWNED it means to take, and isn't told.

A new object on which a role has no right, though it has one on each other of the schema, is a warning: it may be meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.checks import _leftover, _lines, _names
from alembic_rehearsal.model import Deprived, Evidence, Finding, Severity

ID = "privileges"

_MOST = 12


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each role that lost rights, and for each that has none on what is new."""
    if evidence.privileges is None or evidence.trace.exit_status != 0:
        return
    groups: dict[tuple[bool, str], list[Deprived]] = {}
    for each in evidence.privileges.deprived:
        if each.new or not _meant(evidence, each):
            groups.setdefault((each.new, each.role), []).append(each)
    for (new, role), deprived in groups.items():
        yield _finding(evidence, role, deprived, new=new)


def _finding(evidence: Evidence, role: str, deprived: list[Deprived], *, new: bool) -> Finding:
    names = sorted({_names.unqualified(each.identity.split("(", 1)[0]) for each in deprived})
    statement = _leftover.last_naming(evidence, frozenset(names))
    count = f"{len(deprived)} object{'s' * (len(deprived) != 1)}"
    schemas = ", ".join(sorted({each.schema for each in deprived}))
    said = f"{role} can't do with {count} what it could before the upgrade (42501, insufficient_privilege)"
    if new:
        said = f"{role} has no right on {count} that the upgrade makes, and has it on all others of {schemas}"
    lines = tuple(f"{each.kind} {each.identity}: {', '.join(each.privileges)}" for each in deprived)
    return Finding(
        check=ID,
        severity=Severity.WARNING if new else Severity.ERROR,
        message=said,
        evidence=_lines.first_of(lines, _MOST),
        fix=_fix(evidence, deprived, new=new),
        location=statement.location if statement else None,
        revision=statement.revision if statement else "",
    )


def _fix(evidence: Evidence, deprived: list[Deprived], *, new: bool) -> str:
    role = evidence.migrator.role
    tried = all(each.tried for each in deprived)
    how = f"tried: {role} may give them" if tried else f"not all of them can be given by {role}"
    lines = [f"In the revision that makes them ({how}):"]
    lines += [f"    op.execute({each.grant!r})" for each in deprived]
    if new:
        lines.append(f"Or once on production, as {role}, for all that it makes from now on:")
        lines += sorted({f"    {_defaults(each)}" for each in deprived})
    return "\n".join(lines)


def _defaults(each: Deprived) -> str:
    """Return the statement, https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html."""
    kind = "SEQUENCES" if each.kind == "sequence" else "TABLES"
    head, _, role = each.grant.rpartition(" TO ")
    privileges = head.removeprefix("GRANT ").partition(" ON ")[0]
    schema = each.identity.rpartition(".")[0]
    return f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {privileges} ON {kind} TO {role};"


def _meant(evidence: Evidence, each: Deprived) -> bool:
    """Say whether a revision takes the right away in so many words."""
    name = _names.unqualified(each.identity.split("(", 1)[0])
    for statement in evidence.trace.statements:
        words = _names.words(statement.sql)
        if statement.revision and "revoke" in words and (name in words or "all" in words):
            return True
        if statement.revision and {"drop", "owned"} <= words and each.role in words:
            return True
    return False
