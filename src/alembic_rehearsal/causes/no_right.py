"""The migrating role may not: the object is another role's, or a right was never granted."""

from __future__ import annotations

from alembic_rehearsal.catalog import Key
from alembic_rehearsal.causes._case import Case, parts
from alembic_rehearsal.model import Cause

ID = "no-right"


def diagnose(case: Case) -> Cause | None:
    """Return the cause when the error is about a privilege, with the owner that production says."""
    if case.error.sqlstate != "42501":
        return None
    role = case.evidence.migrator.role
    # The subject of "must be owner of table users" is not quoted.
    owners = _owners(case, case.subject) or _owners(case, case.error.message.split()[-1])
    if not owners:
        return None
    key, owner = owners[0]
    return Cause(
        id=ID,
        message=f"The migrations run as {role}, and {key} belongs to {owner}",
        evidence=(f"{role} was chosen as {case.evidence.migrator.why}",),
    )


def _owners(case: Case, name: str) -> list[tuple[Key, str]]:
    """Return what production has under *name*, each with its owner."""
    return [
        (key, str(case.production.definitions[about].get("owner", "")))
        for key in case.production.definitions
        if parts(key.identity)[-1:] == (name,) and (about := Key("owner", str(key))) in case.production
    ]
