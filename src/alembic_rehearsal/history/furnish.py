"""What the server of a build from base has in common with production's: roles, settings, and more when it must."""

from __future__ import annotations

from psycopg2 import Error, sql
from psycopg2.extensions import connection as PgConnection  # noqa: N812

from alembic_rehearsal.connect import connected
from alembic_rehearsal.lab import PRISTINE, Lab
from alembic_rehearsal.model import Endpoint
from alembic_rehearsal.postgres import Cluster, databases
from alembic_rehearsal.snapshot import roles

_SETTINGS = """
SELECT (SELECT rolname FROM pg_roles WHERE oid = s.setrole), setting
  FROM pg_db_role_setting s, unnest(s.setconfig) setting
 WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND setting NOT LIKE 'alembic_rehearsal.%'
"""
_EXTENSIONS = """
SELECT e.extname, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE e.extname <> 'plpgsql' ORDER BY e.oid
"""
_SCHEMAS = """
SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace
 WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_namespace.oid AND d.deptype = 'e')
 ORDER BY nspname
"""


def empty(cluster: Cluster, lab: Lab, *, like_production: bool) -> None:
    """Make an empty database on *cluster* under production's name, with the roles and settings of *lab*'s.

    With *like_production* it gets production's schemas and extensions too: in many projects a DBA made them, and no
    revision does.

    Raises:
        ServerError: the server refuses.
    """
    name = lab.restored.dbname
    databases.drop(cluster, name)
    with connected(lab.admin_of(PRISTINE)) as source, connected(cluster.admin) as target:
        if not like_production:
            _run(target, list(roles.statements(source)))
            _login(target, lab)
        databases.create(cluster, name, owner=lab.migrator.role)
        _settings(source, target, name)
        if like_production:
            _furnish(source, Endpoint(**{**cluster.admin.kwargs(), "dbname": name}))


def taken_over(lab: Lab) -> tuple[str, ...]:
    """Return what an empty database has, or may get, of production's: name, settings, schemas, extensions."""
    with connected(lab.admin_of(PRISTINE)) as source, source.cursor() as asked:
        found = [lab.restored.dbname]
        for query in (_SETTINGS, _SCHEMAS, _EXTENSIONS):
            asked.execute(query)
            found += sorted(" ".join(map(str, row)) for row in asked.fetchall())
    return tuple(found)


def _login(target: PgConnection, lab: Lab) -> None:
    with target.cursor() as cursor:
        cursor.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(lab.migrator.role), sql.Literal(lab.password)
            )
        )


def _settings(source: PgConnection, target: PgConnection, name: str) -> None:
    with source.cursor() as asked, target.cursor() as told:
        asked.execute(_SETTINGS)
        for role, setting in asked.fetchall():
            parameter, _, value = setting.partition("=")
            who = sql.SQL("ROLE {} IN DATABASE {}" if role else "DATABASE {1}").format(
                sql.Identifier(role or ""), sql.Identifier(name)
            )
            # The value of a list stands as it would be written, so it is not quoted as a whole.
            told.execute("SELECT set_config(%s, %s, false)", (parameter, value))
            told.execute(sql.SQL("ALTER {} SET {} FROM CURRENT").format(who, sql.Identifier(parameter)))
            told.execute(sql.SQL("RESET {}").format(sql.Identifier(parameter)))


def _furnish(source: PgConnection, target: Endpoint) -> None:
    with source.cursor() as asked, connected(target) as connection, connection.cursor() as told:
        asked.execute(_SCHEMAS)
        for schema, owner in asked.fetchall():
            told.execute(
                sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(schema), sql.Identifier(owner))
            )
        asked.execute(_EXTENSIONS)
        for extension, schema in asked.fetchall():
            told.execute(
                sql.SQL("CREATE EXTENSION IF NOT EXISTS {} WITH SCHEMA {}").format(
                    sql.Identifier(extension), sql.Identifier(schema)
                )
            )


def _run(connection: PgConnection, statements: list[str]) -> None:
    """Run them one by one; a role or membership that is there already is as good."""
    with connection.cursor() as cursor:
        for statement in statements:
            try:
                cursor.execute(statement)
            except Error as error:
                if error.pgcode != "42710":
                    raise
