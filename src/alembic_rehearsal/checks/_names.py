"""Names in a server's messages and in statements: for looking things up and for folding, never for a verdict."""

from __future__ import annotations

import re

from alembic_rehearsal.model import PgError, Statement

_QUOTED = re.compile(r'"((?:[^"]|"")+)"')
_COLUMN = re.compile(r"column (\S+\.\S+) ")
_WORD = re.compile(r'"((?:[^"]|"")+)"|([^\W\d][\w$]*)')
_NEW = re.compile(
    r"\b(?:CREATE\s+(?:OR\s+REPLACE\s+)?(?:(?:GLOBAL|LOCAL|TEMP(?:ORARY)?|UNLOGGED|UNIQUE|MATERIALIZED|FOREIGN)\s+)*"
    r"(?:TABLE|TYPE|VIEW|SEQUENCE|INDEX(?:\s+CONCURRENTLY)?|SCHEMA|FUNCTION|PROCEDURE|DOMAIN|EXTENSION|TRIGGER|POLICY)"
    r"|ADD\s+COLUMN|ADD\s+CONSTRAINT|RENAME\s+(?:COLUMN\s+\S+\s+|CONSTRAINT\s+\S+\s+)?TO)"
    r"\s+(?:IF\s+NOT\s+EXISTS\s+)?((?:[\w$]+|\"(?:[^\"]|\"\")+\")(?:\.(?:[\w$]+|\"(?:[^\"]|\"\")+\"))*)",
    re.IGNORECASE,
)


def subject(error: PgError) -> str:
    """Return the name that *error* is about: the first quoted one of its message, without its schema; or "".

    A column that is written with its table is named without quotes.
    """
    found = _QUOTED.search(error.message) or _COLUMN.match(error.message)
    return unqualified(found[1]) if found else ""


def quoted(error: PgError) -> frozenset[str]:
    """Return every quoted name of *error*'s message and detail, without schemas."""
    return frozenset(unqualified(match) for match in _QUOTED.findall(f"{error.message} {error.detail}"))


def unqualified(name: str) -> str:
    """Return the last part of a dotted name, its quotes taken off."""
    return name.rsplit(".", 1)[-1].strip('"').replace('""', '"')


def words(sql: str) -> frozenset[str]:
    """Return every identifier-like word of *sql*: quoted ones as they are, the others in lower case."""
    return frozenset(
        quoted_name.replace('""', '"') if quoted_name else word.lower() for quoted_name, word in _WORD.findall(sql)
    )


def made_by(statement: Statement) -> frozenset[str]:
    """Return the names that *statement* would have made, so that what needs them can be folded under it."""
    return frozenset(unqualified(name) for name in _NEW.findall(statement.sql))
