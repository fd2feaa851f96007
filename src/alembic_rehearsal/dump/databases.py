"""The throw-away databases, one for each that a dump makes or connects to."""

from __future__ import annotations

import re
from typing import Any

import psycopg2
from psycopg2 import sql

from alembic_rehearsal.dump import names, refuse, roles
from alembic_rehearsal.dump.names import IDENT
from alembic_rehearsal.dump.script import Meta, Statement
from alembic_rehearsal.dump.session import execute
from alembic_rehearsal.errors import DumpError

_I = re.IGNORECASE
_CREATE = re.compile(rb"CREATE\s+DATABASE\s+(" + IDENT + rb")\s*(?:WITH\b)?(?P<options>.*?);\s*\Z", _I | re.DOTALL)
_NOT_KEPT = re.compile(
    rb"\b(?:TABLESPACE|OWNER|CONNECTION\s+LIMIT|ALLOW_CONNECTIONS|IS_TEMPLATE|COLLATION_VERSION|TEMPLATE)\s*=?\s*"
    rb"(?:" + IDENT + rb"|'[^']*'|-?\d+)",
    _I,
)
_ALTER = re.compile(rb"ALTER\s+DATABASE\s+(" + IDENT + rb")\s+(?P<what>\w+)(?:\s+(?P<next>\w+))?", _I)
_IN_DATABASE = re.compile(rb"\sIN\s+DATABASE\s+(" + IDENT + rb")", _I)
_ON_DATABASE = re.compile(rb"\sON\s+DATABASE\s+(" + IDENT + rb")", _I)
_CONNECT = re.compile(rb"\\c(?:onnect)?\s+(?:-reuse-previous=\w+\s+)?(?P<target>.*?)\s*\Z", _I | re.DOTALL)
_CONNINFO = re.compile(r"dbname\s*=\s*'((?:[^'\\]|\\.)*)'")

_ENCODING = re.compile(r"\bENCODING\s*=?\s*'(\w+)'", _I)
_USUAL = "UTF8"

# Tried in this order when the server hasn't got production's locale or encoding.
_FALLBACKS = ("ENCODING 'UTF8' LOCALE 'C.UTF-8'", "ENCODING 'UTF8' LOCALE 'C'")


class Databases:
    """Makes them, and knows what the dump's names stand for here.

    Attributes:
        owners: owner by the dump's name, where the dump says it.
        notes: what was done otherwise than the dump says.
        named: the dump says which database its statements are of.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._made: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.notes: list[str] = []
        self.named = False

    def actual(self, name: str) -> str | None:
        """Return the throw-away database that stands for one of the dump's, None before it is made."""
        return self._made.get(name)

    def ensure(self, name: str, encoding: str = _USUAL) -> str:
        """Return the throw-away database for a name, made if need be.

        Args:
            encoding: of the dump's text. pg_dump writes it in the database's own unless it is told otherwise.
        """
        if name not in self._made:
            self._create(name, f"ENCODING '{encoding}'" + ("" if encoding == _USUAL else " LOCALE 'C'"))
            if encoding != _USUAL:
                self.notes.append(
                    f"the dump is in {encoding} and doesn't say how its database was made: this one has that encoding, "
                    "where the server can, and the locale C; pg_dump --create says it"
                )
        return self._made[name]

    def create(self, statement: Statement) -> str:
        """Follow a CREATE DATABASE as far as this server can, and return the dump's name for it."""
        found = _CREATE.match(statement.text)
        if found is None:
            raise DumpError(f"line {statement.line} is no CREATE DATABASE: {refuse.excerpt(statement.text)}")
        self.named = True
        name = names.unquote(found[1])
        if name not in self._made:
            self._create(name, names.text(_NOT_KEPT.sub(b"", found["options"])).strip())
        return name

    def _create(self, name: str, options: str) -> None:
        taken = {row[0] for row in execute(self._connection, "SELECT datname FROM pg_catalog.pg_database")}
        actual = name
        while actual in taken:
            # Such as "postgres", which every server has: a database that is in use can't be cloned.
            actual += "_rehearsal"
        create = "CREATE DATABASE " + names.quote(actual) + " TEMPLATE template0 "
        encoding = _ENCODING.search(options)
        # Every encoding goes with the locale C.
        near = (f"ENCODING '{encoding[1]}' LOCALE 'C'",) if encoding and encoding[1] != _USUAL else ()
        for attempt in (options, *near, *_FALLBACKS):
            try:
                execute(self._connection, names.raw_bytes(create + attempt))
            except psycopg2.Error as error:
                last = error
                continue
            if attempt != options:
                reason = last.diag.message_primary
                self.notes.append(f"database {name} was made with {attempt}, not as in the dump: {reason}")
            self._made[name] = actual
            return
        raise DumpError(f"database {name} can't be made here: SQLSTATE {last.pgcode}: {last.diag.message_primary}")

    def translate(self, text: bytes) -> bytes | None:
        """Return an ALTER DATABASE, GRANT ON DATABASE or ALTER ROLE IN DATABASE with the name that is used here.

        None when it concerns a database that isn't restored, or a property that a rehearsal has no use for.
        """
        altered = _ALTER.match(text)
        if altered:
            what, following = altered["what"].upper(), (altered["next"] or b"").upper()
            if what not in (b"SET", b"RESET", b"OWNER") or (what == b"SET" and following == b"TABLESPACE"):
                return None
            owner = roles.owner(text)
            if owner:
                self.owners[names.unquote(altered[1])] = owner
        found = altered or _IN_DATABASE.search(text) or _ON_DATABASE.search(text)
        if found is None:
            return text
        actual = self.actual(names.unquote(found[1]))
        if actual is None and not self.named and len(self._made) == 1:
            # A plain dump doesn't say its database's name, so a setting that was added to it can be of no other.
            [actual] = self._made.values()
        if actual is None:
            return None
        return text[: found.start(1)] + names.raw_bytes(names.quote(actual)) + text[found.end(1) :]

    def rename(self, name: str, new: str) -> None:
        """Give a throw-away database the name that was asked for."""
        statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        execute(self._connection, statement.format(sql.Identifier(self._made[name]), sql.Identifier(new)))
        self._made[name] = new

    def drop(self, *, but: str | None = None) -> None:
        """Drop what was made, all of it or all but one: on a server of the user's nothing else would."""
        for name in [one for one in self._made if one != but]:
            statement = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(self._made.pop(name)))
            execute(self._connection, statement)

    def set_owner(self, name: str, owner: str) -> None:
        """Give a throw-away database to a role."""
        statement = sql.SQL("ALTER DATABASE {} OWNER TO {}")
        execute(self._connection, statement.format(sql.Identifier(self._made[name]), sql.Identifier(owner)))


def created_name(statement: bytes) -> str:
    """Return the database that a CREATE DATABASE makes."""
    found = _CREATE.match(statement)
    return names.unquote(found[1]) if found else ""


def connect_target(meta: Meta) -> str | None:
    r"""Return the database that a `\connect` goes to, None if the line is no \connect."""
    found = _CONNECT.match(meta.text)
    if found is None:
        return None
    target = names.text(found["target"])
    if target.startswith('"'):
        target = target[1:-1].replace('""', '"')
    # For an unusual name pg_dump writes a connection string.
    # Source: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/fe_utils/string_utils.c
    conninfo = _CONNINFO.match(target)
    if conninfo:
        return re.sub(r"\\(.)", r"\1", conninfo[1])
    if not target or " " in target:
        raise refuse.meta_command(meta.line, meta.text)
    return target
