"""What a restored database still needs to be like production: owners, filled materialized views, event triggers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2 import sql

from alembic_rehearsal.dump.section import Section
from alembic_rehearsal.dump.server import RESTORER, Server
from alembic_rehearsal.dump.session import Session, connect, execute
from alembic_rehearsal.model import Endpoint

ORDINARY_OWNER = "rehearsal_owner"
_REFRESH_LIMIT_MS = 60_000

_TO_REFRESH = """
WITH RECURSIVE uses (view, class, object) AS (
    SELECT c.oid, d.refclassid, d.refobjid
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
    WHERE c.relkind = 'm' AND d.refobjid <> c.oid
  UNION
    SELECT u.view, d.refclassid, d.refobjid
    FROM uses u
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = u.object
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
    WHERE u.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> u.object
)
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
    EXISTS (SELECT FROM uses u JOIN pg_catalog.pg_class f ON f.oid = u.object
            WHERE u.view = c.oid AND u.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND f.relkind = 'f')
    OR EXISTS (SELECT FROM uses u JOIN pg_catalog.pg_depend d ON d.classid = u.class AND d.objid = u.object
            JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND d.deptype = 'e'
            WHERE u.view = c.oid AND e.extname = 'dblink')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND NOT c.relispopulated
ORDER BY c.oid
"""  # a dump makes a view after those that it reads, so the order of creation will do

# Of all objects only these and event triggers, which come later, can't be given to an ordinary role.
# Source: https://www.postgresql.org/docs/current/sql-alterforeigndatawrapper.html
_WRAPPERS = "SELECT fdwname FROM pg_catalog.pg_foreign_data_wrapper"

# Whoever makes a trusted extension owns it, and the dump doesn't say who did.
# Source: https://www.postgresql.org/docs/current/sql-createextension.html#id-1.9.3.64.6
_TRUSTED = """
SELECT e.oid FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_available_extension_versions v ON v.name = e.extname AND v.version = e.extversion
WHERE v.trusted AND e.extowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %s)
"""
_GIVE_EXTENSION = """
WITH role AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(owner)s),
    given AS (UPDATE pg_catalog.pg_extension SET extowner = role.oid FROM role WHERE pg_extension.oid = %(oid)s)
UPDATE pg_catalog.pg_shdepend SET refobjid = role.oid FROM role
WHERE classid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND objid = %(oid)s AND deptype = 'o'
    AND dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
"""


def give_to_one_role(connection: Any, server: Server, admin: Endpoint) -> str:
    """Let one ordinary role own all that was restored, and return its name; what only superusers may own stays."""
    server.make_role(ORDINARY_OWNER)
    for (wrapper,) in execute(connection, _WRAPPERS):
        statement = sql.SQL("ALTER FOREIGN DATA WRAPPER {} OWNER TO {}")
        execute(connection, statement.format(sql.Identifier(wrapper), sql.Identifier(admin.user)))
    statement = sql.SQL("REASSIGN OWNED BY {} TO {}")
    execute(connection, statement.format(sql.Identifier(RESTORER), sql.Identifier(ORDINARY_OWNER)))
    return ORDINARY_OWNER


def give_extensions(connection: Any, owner: str) -> None:
    """Let the database's owner own the extensions that it may make itself on this server."""
    for (oid,) in execute(connection, _TRUSTED, (RESTORER,)):
        execute(connection, _GIVE_EXTENSION, {"owner": owner, "oid": oid})


def refresh(admin: Endpoint, dbname: str, progress: Callable[[str], None]) -> list[str]:
    """Fill materialized views and return a note for each that could not be.

    The connection has the database's own search_path, which functions in a view's query may rely on.
    """
    notes = []
    connection = connect(admin, dbname, statement_timeout=str(_REFRESH_LIMIT_MS))
    try:
        for view, leads_out in execute(connection, _TO_REFRESH):
            if leads_out:
                notes.append(f"materialized view {view} stays empty: it reads from another server")
                continue
            progress(f"refreshing {view}")
            try:
                execute(connection, sql.SQL("REFRESH MATERIALIZED VIEW " + view))
            except psycopg2.Error as error:
                said = f"SQLSTATE {error.pgcode}: {error.diag.message_primary}"
                notes.append(f"materialized view {view} stays empty: {said}")
    finally:
        connection.close()
    return notes


def event_triggers(section: Section, admin: Endpoint, dbname: str) -> list[str]:
    """Make the event triggers, and return a note for each that could not be made as it is in production."""
    notes: list[str] = []
    if section.later:
        session = Session(admin, dbname, RESTORER, section.place)
        try:
            for statement, decision in section.later:
                section.server.ensure_roles(decision.roles)
                if not session.alone(statement, decision.tolerated):
                    notes.append(decision.note)
        finally:
            session.close()
    return notes
