"""The role that the command runs as: production's own, not a superuser that is allowed everything."""

from __future__ import annotations

from psycopg2 import sql
from psycopg2.extensions import connection as PgConnection  # noqa: N812

from alembic_rehearsal.connect import connected
from alembic_rehearsal.errors import UsageError
from alembic_rehearsal.model import Endpoint, Migrator, Restored, VersionTable
from alembic_rehearsal.rehearse import PLACEHOLDER


def prepare(
    admin: Endpoint,
    restored: Restored,
    table: VersionTable | None,
    *,
    asked: str,
    platform: str,
    password: str,
) -> Migrator:
    """Choose the migrating role, let it log in with *password*, and return it.

    Raises:
        UsageError: the role that was *asked* for isn't in the dump.
    """
    role, why = _choose(restored, table, asked)
    with connected(admin) as connection:
        is_superuser = _attributes(connection, role, platform, password)
        _placeholder(connection, role, password)
    return Migrator(role=role, is_superuser=is_superuser, why=why)


def _choose(restored: Restored, table: VersionTable | None, asked: str) -> tuple[str, str]:
    if asked:
        return asked, "--role"
    if not restored.owners_known:
        return restored.owner, "the dump names no owners, so one ordinary role owns everything"
    if table is not None:
        return table.owner, f"owner of {table.schema}.{table.name}"
    return restored.owner, "owner of the database"


def _attributes(connection: PgConnection, role: str, platform: str, password: str) -> bool:
    """Let *role* log in; return whether it is a superuser."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", (role,))
        row = cursor.fetchone()
        if row is None:
            cursor.execute(
                "SELECT rolname FROM pg_roles WHERE rolname !~ '^(pg_|rehearsal_)' ORDER BY rolname LIMIT 20"
            )
            known = ", ".join(name for (name,) in cursor.fetchall()) or "none"
            raise UsageError(f"--role {role}: the dump has no such role; it has {known}")
        # A Render user may make roles and databases, https://render.com/docs/postgresql-credentials
        extra = sql.SQL(" CREATEROLE CREATEDB" if platform == "render" and not row[0] else "")
        cursor.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}{}").format(sql.Identifier(role), sql.Literal(password), extra)
        )
        return bool(row[0])


def _placeholder(connection: PgConnection, role: str, password: str) -> None:
    """Make the role that stands in the environment act as *role* from its first statement on."""
    login = sql.Identifier(PLACEHOLDER)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
                login, sql.Literal(password), sql.Identifier(role)
            )
        )
        cursor.execute(sql.SQL("ALTER ROLE {} SET role = {}").format(login, sql.Literal(role)))
