"""Which roles a statement of a dump speaks of; they belong to the server and aren't in the dump of one database."""

from __future__ import annotations

import re

from alembic_rehearsal.dump.names import IDENT, QUALIFIED, split, unquote

_LIST = IDENT + rb"(?:\s*,\s*" + IDENT + rb")*"
_I = re.IGNORECASE
_OWNER_TO = re.compile(rb"\sOWNER\s+TO\s+(" + IDENT + rb")\s*;\s*\Z", _I)
# The end of GRANT ... TO roles and REVOKE ... FROM roles, with what may follow.
# Source: https://www.postgresql.org/docs/current/sql-grant.html
_GRANTEES = re.compile(
    rb"\s(?:TO|FROM)\s+(?:GROUP\s+)?(" + _LIST + rb")"
    rb"(?P<options>(?:\s+WITH\s[A-Za-z,\s]*?)?)(?:\s+GRANTED\s+BY\s+(?P<grantor>" + IDENT + rb"))?"
    rb"(?:\s+(?:CASCADE|RESTRICT))?\s*;\s*\Z",
    _I,
)
_MEMBERSHIP = re.compile(rb"(?:GRANT|REVOKE)\s+(?P<groups>" + _LIST + rb")\s+(?:TO|FROM)\s", _I)
_DEFAULTS_FOR = re.compile(rb"ALTER\s+DEFAULT\s+PRIVILEGES\s+FOR\s+(?:ROLE|USER)\s+(" + _LIST + rb")", _I)
_POLICY = re.compile(
    rb"CREATE\s+POLICY\s+"
    + IDENT
    + rb"\s+ON\s+"
    + QUALIFIED
    + rb"(?:\s+AS\s+\w+)?(?:\s+FOR\s+\w+)?\s+TO\s+("
    + _LIST
    + rb")",
    _I,
)
_AUTHORIZATION = re.compile(rb"CREATE\s+SCHEMA\s.*?\bAUTHORIZATION\s+(" + IDENT + rb")", _I | re.DOTALL)
_SESSION = re.compile(rb"SET\s+(?:SESSION\s+AUTHORIZATION|ROLE)\s+(?:'([^']+)'|(" + IDENT + rb"))", _I)
_MAPPING = re.compile(rb"CREATE\s+USER\s+MAPPING\s+(?:IF\s+NOT\s+EXISTS\s+)?FOR\s+(" + IDENT + rb")", _I)
_ALTER_ROLE = re.compile(rb"(?:ALTER|CREATE)\s+(?:ROLE|USER|GROUP)\s+(" + IDENT + rb")", _I)

_NOT_ROLES = frozenset(("public", "current_user", "current_role", "session_user", "user", "default", "none", "all"))


def owner(statement: bytes) -> str | None:
    """Return the role of `... OWNER TO role`."""
    found = _OWNER_TO.search(statement)
    return unquote(found[1]) if found else None


def mentioned(statement: bytes, verb: str, noun: str) -> set[str]:
    """Return every role that has to exist before the statement can run.

    `verb` and `noun` are its first two words, in capitals.
    """
    found: set[str] = set()
    if verb == "ALTER":
        if noun == "DEFAULT":
            _add(found, _DEFAULTS_FOR.match(statement))
            _add(found, _GRANTEES.search(statement))
        elif noun in ("ROLE", "USER"):
            _add(found, _ALTER_ROLE.match(statement))
        else:
            _add(found, _OWNER_TO.search(statement))
    elif verb in ("GRANT", "REVOKE"):
        _add(found, _GRANTEES.search(statement))
        _add(found, _MEMBERSHIP.match(statement))
    elif verb == "CREATE" and noun in _CREATES:
        _add(found, _CREATES[noun].match(statement))
    elif verb == "SET":
        session = _SESSION.match(statement)
        if session:
            found.add(session[1].decode("utf-8", "surrogateescape") if session[1] else unquote(session[2]))
    return found - _NOT_ROLES


_CREATES = {"POLICY": _POLICY, "SCHEMA": _AUTHORIZATION, "USER": _MAPPING}


def is_membership(statement: bytes) -> bool:
    """Tell GRANT group TO role from GRANT privilege ON object TO role."""
    return _MEMBERSHIP.match(statement) is not None


def without_grantor(statement: bytes, *, options: bool) -> bytes:
    """Return a membership grant without GRANTED BY, whose role need not be entitled here.

    Without `options` only WITH ADMIN OPTION is kept, which is all that servers before 16 know.
    """
    found = _GRANTEES.search(statement)
    if not found:
        return statement
    kept = found["options"]
    if not options:
        kept = b" WITH ADMIN OPTION" if b"ADMIN OPTION" in kept or b"ADMIN TRUE" in kept else b""
    return statement[: found.end(1)] + kept + b";"


def named(statement: bytes) -> str:
    """Return the role of CREATE ROLE or ALTER ROLE, "" when there is none."""
    found = _ALTER_ROLE.match(statement)
    return unquote(found[1]) if found else ""


def _add(found: set[str], match: re.Match[bytes] | None) -> None:
    if match:
        found.update(split(match[1]))
        grantor = match.groupdict().get("grantor")
        if grantor:
            found.add(unquote(grantor))
