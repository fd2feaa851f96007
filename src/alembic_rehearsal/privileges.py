"""Who may use what before the upgrade and after it, and whether the grants that would mend it can be given.

Rights are read off the access control lists in one query over all objects, with what a list that was never written
stands for, and with memberships: https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as PgConnection  # noqa: N812

from alembic_rehearsal.connect import connected, quoted
from alembic_rehearsal.model import Deprived, Endpoint, Privileges

PUBLIC = "PUBLIC"
# What an application uses objects with. TRIGGER, REFERENCES, MAINTAIN and CREATE are for who builds.
_USED = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "USAGE", "EXECUTE")
# Of one table nobody can say that a role has a right on each.
_FEWEST = 2

_OBJECTS = """
WITH part AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
ns AS (SELECT oid, nspname, nspowner, nspacl FROM pg_namespace
        WHERE left(nspname, 3) <> 'pg_' AND nspname <> 'information_schema'),
object AS (
  SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END
         AS kind, n.nspname AS schema, format('%%I.%%I', n.nspname, c.relname) AS identity, c.relowner AS owner,
         coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS acl,
         NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i'
            AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass) AS counts
    FROM pg_class c JOIN ns n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
     AND NOT EXISTS (SELECT FROM part p WHERE p.classid = c.tableoid AND p.objid = c.oid)
  UNION ALL
  SELECT 'column', n.nspname, format('%%I.%%I.%%I', n.nspname, c.relname, a.attname), c.relowner, a.attacl, false
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN ns n ON n.oid = c.relnamespace
   WHERE NOT a.attisdropped AND a.attnum > 0 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
     AND (a.attacl IS NOT NULL OR format('%%I.%%I.%%I', n.nspname, c.relname, a.attname) = ANY (%(columns)s))
  UNION ALL
  SELECT 'schema', nspname, format('%%I', nspname), nspowner, coalesce(nspacl, acldefault('n', nspowner)), false FROM ns
  UNION ALL
  SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, n.nspname,
         format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), p.proowner,
         coalesce(p.proacl, acldefault('f', p.proowner)), false
    FROM pg_proc p JOIN ns n ON n.oid = p.pronamespace
   WHERE NOT EXISTS (SELECT FROM part e WHERE e.classid = p.tableoid AND e.objid = p.oid)
  UNION ALL
  SELECT 'type', n.nspname, format('%%I.%%I', n.nspname, t.typname), t.typowner,
         coalesce(t.typacl, acldefault('T', t.typowner)), false
    FROM pg_type t JOIN ns n ON n.oid = t.typnamespace
   WHERE t.typtype IN ('e', 'd', 'r')
     AND NOT EXISTS (SELECT FROM part e WHERE e.classid = t.tableoid AND e.objid = t.oid)
)
SELECT o.kind, o.schema, o.identity, o.counts, pg_get_userbyid(o.owner),
       (SELECT json_agg(json_build_array(CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END,
                                         x.privilege_type))
          FROM aclexplode(o.acl) x)
  FROM object o
"""
# Of whose rights a role disposes without a SET ROLE.
_MEMBERS = """
SELECT m.rolname, r.rolname
  FROM pg_roles m JOIN pg_roles r ON r.oid <> m.oid AND pg_has_role(m.oid, r.oid, 'USAGE')
 WHERE m.oid IN (SELECT member FROM pg_auth_members) AND r.oid IN (SELECT roleid FROM pg_auth_members)
   AND m.rolname !~ '^(pg_|rehearsal_)'
"""
_ALMIGHTY = "SELECT rolname FROM pg_roles WHERE rolsuper OR rolname ~ '^(pg_|rehearsal_)'"


@dataclass(frozen=True, slots=True)
class _Object:
    kind: str
    schema: str
    identity: str
    counts: bool
    owner: str
    rights: frozenset[tuple[str, str]]

    @property
    def name(self) -> tuple[str, str]:
        """Return what it is known by: a view may take the name of a table, and is used in its place."""
        return ("relation" if self.kind in ("table", "view", "materialized view") else self.kind, self.identity)


@dataclass(frozen=True, slots=True)
class _State:
    """One database's objects.

    Attributes:
        groups: role -> the roles whose rights it has too.
        almighty: roles that no list holds back, or that the tool made.
    """

    objects: Mapping[tuple[str, str], _Object]
    groups: Mapping[str, frozenset[str]]
    almighty: frozenset[str]

    def may(self, role: str, privilege: str, what: _Object) -> bool:
        """Say whether *role* has *privilege* on *what*, by itself, by PUBLIC, by a group or by its table."""
        holders = {role, PUBLIC, *self.groups.get(role, ())}
        if not self.groups:
            # A dump of one database has no memberships: whoever was given the right may have given it to this role.
            holders |= {each for each, _ in what.rights} - {what.owner}
        if what.owner in holders or any((each, privilege) in what.rights for each in holders):
            return True
        table = self.objects.get(("relation", what.identity.rpartition(".")[0])) if what.kind == "column" else None
        return table is not None and self.may(role, privilege, table)


def compared(before: Endpoint, after: Endpoint, *, migrator: str, tables: Collection[str]) -> Privileges:
    """Return what the upgrade has taken from roles, or has not given them.

    Args:
        before, after: the superuser's ways to production's schema, and to the upgraded one on the same server.
        migrator: the role that the command ran as, which would give the grants.
        tables: the version tables, which no application uses.

    Raises:
        psycopg2.Error: the server refuses.
    """
    with connected(before) as connection:
        old = _state(connection)
    with connected(after) as connection:
        new = _state(connection, [each.identity for each in old.objects.values() if each.kind == "column"])
        known = any(
            role not in (each.owner, PUBLIC) and role not in old.almighty
            for each in old.objects.values()
            for role, _ in each.rights
        )
        found = [*_lost(old, new), *_missing(old, new, frozenset(tables))]
        return Privileges(known, tuple(_tried(connection, found, migrator)))


def _state(connection: PgConnection, columns: Sequence[str] = ()) -> _State:
    """Read the objects; of columns those with grants of their own, and *columns*."""
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = pg_catalog")
        cursor.execute(_OBJECTS, {"columns": list(columns)})
        objects = [
            _Object(kind, schema, identity, counts, owner, frozenset(map(tuple, rights or ())))
            for kind, schema, identity, counts, owner, rights in cursor.fetchall()
        ]
        groups: dict[str, set[str]] = defaultdict(set)
        cursor.execute(_MEMBERS)
        for member, group in cursor.fetchall():
            groups[member].add(group)
        cursor.execute(_ALMIGHTY)
        almighty = frozenset(role for (role,) in cursor.fetchall())
    return _State(
        {each.name: each for each in objects},
        {role: frozenset(of) for role, of in groups.items()},
        almighty,
    )


def _lost(old: _State, new: _State) -> Iterator[Deprived]:
    """Yield what a role could do with an object that there still is, and can't any more."""
    for name, was in sorted(old.objects.items()):
        now = new.objects.get(name)
        if now is None:
            continue
        for role in sorted({role for role, _ in was.rights} - old.almighty):
            gone = [each for each in _USED if (role, each) in was.rights and not new.may(role, each, now)]
            if gone:
                yield Deprived(role, now.kind, now.identity, tuple(gone), new=False)


def _missing(old: _State, new: _State, tables: Collection[str]) -> Iterator[Deprived]:
    """Yield what a role can do with each object of a schema but with those that the upgrade has made."""
    made = [each for name, each in sorted(new.objects.items()) if name not in old.objects and each.counts]
    for schema, sort in sorted({(each.schema, each.name[0]) for each in made}):
        others = [
            each
            for each in old.objects.values()
            if (each.schema, each.name[0]) == (schema, sort) and each.counts and each.identity not in tables
        ]
        if len(others) < _FEWEST:
            continue
        for role in sorted({role for each in others for role, _ in each.rights} - old.almighty):
            held = [each for each in _USED if all(old.may(role, each, other) for other in others)]
            for what in made:
                if (what.schema, what.name[0]) == (schema, sort):
                    lacking = tuple(each for each in held if not new.may(role, each, what) and _has(each, what))
                    if lacking:
                        yield Deprived(role, what.kind, what.identity, lacking, new=True, schema=schema)


def _has(privilege: str, what: _Object) -> bool:
    """Say whether objects of this kind know *privilege*: their owner has it unless it gave it away."""
    return what.kind != "sequence" or privilege in ("USAGE", "SELECT", "UPDATE")


def _tried(connection: PgConnection, found: list[Deprived], migrator: str) -> Iterator[Deprived]:
    """Yield *found* with the grants that were given by *migrator* in a transaction that is taken back."""
    connection.autocommit = False
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(migrator)))
            for each in found:
                cursor.execute("SAVEPOINT grant_it")
                grant = _grant(connection, each)
                try:
                    cursor.execute(grant)
                    yield replace(each, grant=grant, tried=True)
                except psycopg2.Error:
                    cursor.execute("ROLLBACK TO SAVEPOINT grant_it")
                    yield replace(each, grant=grant)
    finally:
        connection.rollback()


_WORDS = {"view": "TABLE", "materialized view": "TABLE", "column": "TABLE"}


def _grant(connection: PgConnection, each: Deprived) -> str:
    what, on = ", ".join(each.privileges), each.identity
    if each.kind == "column":
        on, _, column = each.identity.rpartition(".")
        what = ", ".join(f"{privilege} ({column})" for privilege in each.privileges)
    with connection.cursor() as cursor:
        role = each.role if each.role == PUBLIC else quoted(cursor, "%I", each.role)
    return f"GRANT {what} ON {_WORDS.get(each.kind, each.kind.upper())} {on} TO {role}"
