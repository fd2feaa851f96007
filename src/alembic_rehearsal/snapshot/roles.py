"""The roles that a database speaks of, which belong to its server and aren't in its dump."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from alembic_rehearsal.snapshot.production import ask

# Those named in the database, whoever may act in their name, and whose rights they have. The bootstrap superuser
# (10) isn't recorded as a dependency, and a role of PostgreSQL's own leads to all who monitor, not to this database.
_RELATED = """
WITH RECURSIVE db AS (SELECT oid, datdba FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()),
named (oid) AS (
    SELECT d.refobjid FROM pg_catalog.pg_shdepend d, db
     WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
       AND (d.dbid = db.oid
            OR (d.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND d.objid = db.oid AND d.dbid = 0))
  UNION SELECT datdba FROM db
  UNION SELECT s.setrole FROM pg_catalog.pg_db_role_setting s, db WHERE s.setdatabase = db.oid),
members (oid) AS (
    SELECT oid FROM named
  UNION SELECT m.member FROM members JOIN pg_catalog.pg_auth_members m ON m.roleid = members.oid
          JOIN pg_catalog.pg_roles r ON r.oid = m.roleid AND r.rolname !~ '^pg_'),
related (oid) AS (
    SELECT oid FROM members
  UNION SELECT m.roleid FROM related JOIN pg_catalog.pg_auth_members m ON m.member = related.oid)
SELECT oid FROM related UNION SELECT 10::pg_catalog.oid
"""
_CREATE = """
SELECT pg_catalog.format('CREATE ROLE %%I;', rolname),
       pg_catalog.format('ALTER ROLE %%I WITH %%s %%s %%s %%s %%s %%s %%s;', rolname,
         CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
         CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
         CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
         CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
         CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
         CASE WHEN rolreplication THEN 'REPLICATION' ELSE 'NOREPLICATION' END,
         CASE WHEN rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END)
  FROM pg_catalog.pg_roles
 WHERE oid = ANY (%(related)s::pg_catalog.oid[]) AND rolname !~ '^pg_'
 ORDER BY rolname
"""
_GRANT = """
SELECT pg_catalog.format('GRANT %%I TO %%I', r.rolname, m.rolname), pg_catalog.to_jsonb(a)
  FROM pg_catalog.pg_auth_members a
  JOIN pg_catalog.pg_roles r ON r.oid = a.roleid
  JOIN pg_catalog.pg_roles m ON m.oid = a.member
 WHERE a.roleid = ANY (%(related)s::pg_catalog.oid[]) AND a.member = ANY (%(related)s::pg_catalog.oid[])
   AND m.rolname !~ '^pg_'
 ORDER BY 1
"""
# Those of one role, or of all, in every database; what concerns this one alone is in pg_dump --create.
_SETTINGS = """
SELECT coalesce((SELECT pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles WHERE oid = s.setrole), 'ALL'),
       s.setconfig
  FROM pg_catalog.pg_db_role_setting s
 WHERE s.setdatabase = 0 AND (s.setrole = 0 OR s.setrole = ANY (%(related)s::pg_catalog.oid[]))
 ORDER BY 1
"""

# Their values are lists of names, each quoted where it has to be.
# Source: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/bin/pg_dump/dumputils.c
_LISTS = frozenset(
    (
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    )
)
_ELEMENT = re.compile(r'"((?:[^"]|"")*)"|([^,\s"]+)')


def statements(connection: Any) -> Iterator[str]:
    """Yield the statements that make the roles as they are, but for their passwords."""
    related = [oid for (oid,) in ask(connection, _RELATED)]
    made = ask(connection, _CREATE, related=related)
    yield from (create for create, _ in made)
    yield from (alter for _, alter in made)
    yield from dict.fromkeys(grant + _options(row) + ";" for grant, row in ask(connection, _GRANT, related=related))
    for role, settings in ask(connection, _SETTINGS, related=related):
        for setting in settings:
            name, _, value = setting.partition("=")
            yield f'ALTER ROLE {role} SET "{name}" TO {_value(name, value)};'


def _options(row: dict[str, Any]) -> str:
    """Return WITH ...; a membership has two more properties from PostgreSQL 16 on."""
    words = ["ADMIN OPTION"] if row["admin_option"] else []
    if "inherit_option" in row:
        words += [f"INHERIT {str(row['inherit_option']).upper()}", f"SET {str(row['set_option']).upper()}"]
    return f" WITH {', '.join(words)}" if words else ""


def _value(name: str, value: str) -> str:
    if name.lower() not in _LISTS:
        return _literal(value)
    elements = [quoted.replace('""', '"') if quoted else plain for quoted, plain in _ELEMENT.findall(value)]
    return ", ".join(map(_literal, elements)) or "''"


def _literal(value: str) -> str:
    quoted = value.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in value else f"'{quoted}'"
