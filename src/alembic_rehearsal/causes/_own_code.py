"""What a revision's own code did not find: Python's exceptions that name a table or a column, as a server's error.

SQLAlchemy raises NoSuchTableError with the table's name when it reflects one that is not there, and a reflected table's
columns raise AttributeError or KeyError with the column's: https://docs.sqlalchemy.org/en/20/core/exceptions.html,
https://docs.sqlalchemy.org/en/20/core/metadata.html#accessing-tables-and-columns
"""

from __future__ import annotations

from alembic_rehearsal.causes._case import parts
from alembic_rehearsal.checks import _blame, command_failed
from alembic_rehearsal.model import Evidence, Finding, PgError


def looked_for(finding: Finding, evidence: Evidence) -> PgError | None:
    """Return the error that the server would have had, None where the exception names nothing that is missing.

    A column counts only where the revisions have made it by then and production hasn't got it.
    """
    failure = _blame.of(evidence.trace).ended_by if finding.check == command_failed.ID else None
    if failure is None or not failure.revision:
        return None
    classes = {each.rpartition(".")[2] for each in (failure.type, *failure.chain)}
    name = failure.text.strip().strip("'\"")
    if "NoSuchTableError" in classes:
        return PgError("42P01", f'relation "{name}" does not exist')
    if classes & {"AttributeError", "KeyError"}:
        table = _table_without(name, finding.revision, evidence)
        return PgError("42703", f'column "{name}" of relation "{table}" does not exist') if table else None
    return None


def _table_without(column: str, revision: str, evidence: Evidence) -> str:
    before = evidence.history.before(revision) if evidence.history else None
    if before is None or evidence.production is None:
        return ""
    for key in before.definitions:
        if key.kind == "column" and parts(key.identity)[-1] == column and key not in evidence.production:
            return parts(key.identity)[-2]
    return ""
