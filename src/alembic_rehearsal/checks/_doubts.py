"""Failures that may be the rehearsal's own, because the dump does not say everything about production."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_rehearsal.checks import _names, _rows
from alembic_rehearsal.model import Evidence, PgError


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why an error is no verdict.

    Attributes:
        check: id of the finding that it becomes.
        fix: what settles it.
    """

    check: str
    reason: str
    fix: str


def about(evidence: Evidence, error: PgError, sql: str) -> Doubt | None:
    """Return why *error* proves nothing about production, None when it stands."""
    return (
        _rows_left_out(evidence, error, sql)
        or _role(error)
        or _database(evidence, error)
        or _collation(error)
        or _outside(error)
    )


def _rows_left_out(evidence: Evidence, error: PgError, sql: str) -> Doubt | None:
    missing = _rows.missing_for(evidence, error, sql)
    if not missing:
        return None
    return Doubt(
        check="rows-missing",
        reason=f"The rows of {', '.join(missing)} aren't in the rehearsed database: the dump's rows were not restored.",
        fix=f"Take the rows along, and nothing is decided before:\n    {_rows.option(missing)}",
    )


def _role(error: PgError) -> Doubt | None:
    """A dump has the roles that own or may use something; production may have others."""
    name = _names.subject(error)
    if error.sqlstate not in ("42704", "22023") or not error.message.startswith(f'role "{name}"'):
        return None
    return Doubt(
        check="role-missing",
        reason="A dump names only the roles that own or may use something in it, so production may have this one.",
        fix=f'If it has, add a line to the dump:\n    CREATE ROLE "{name}";\n'
        "or take the roles along: alembic-rehearsal snapshot, or pg_dumpall --roles-only",
    )


def _database(evidence: Evidence, error: PgError) -> Doubt | None:
    """Without --create a dump doesn't say what its database is called."""
    if error.sqlstate != "3D000" or evidence.dump.dbname or evidence.options.database_name:
        return None
    return Doubt(
        check="database-name-unknown",
        reason=f"The dump doesn't say the database's name, so the rehearsed one is called {evidence.restored.dbname}.",
        fix=f"Say it:\n    --database-name {_names.subject(error)}\n"
        "or make the dump with pg_dump --create, which keeps the name, the owner and the settings.",
    )


def _collation(error: PgError) -> Doubt | None:
    """Collations of the operating system differ from image to image."""
    if error.sqlstate != "42704" or not error.message.startswith("collation "):
        return None
    return Doubt(
        check="collation-missing",
        reason="The operating system of this server hasn't got the collation; production's may have it.",
        fix="Rehearse on production's image: --postgres docker, or --postgres-image IMAGE",
    )


def _outside(error: PgError) -> Doubt | None:
    """The throw-away server may connect nowhere: production's foreign servers and dblinks are production too.

    08001 is sqlclient_unable_to_establish_sqlconnection, https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    if error.sqlstate != "08001":
        return None
    return Doubt(
        check="outside-connection",
        reason="The throw-away server is kept from connecting to other servers; production's may reach this one.",
        fix="What needs another server can't be rehearsed: do it in a revision of its own, or outside of Alembic.",
    )
