"""Tell what kind of statement a text is, as far as the survey needs to know."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What may hold words that are no statement: comments, dollar quotes, strings, quoted names.
# https://www.postgresql.org/docs/current/sql-syntax-lexical.html
_OPAQUE = re.compile(
    r"--[^\n]*|/\*.*?\*/|\$((?:[A-Za-z_][A-Za-z_0-9]*)?)\$.*?\$\1\$|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"",
    re.DOTALL,
)
_CONTROL = re.compile(
    r"(?:^|;)\s*(?:BEGIN|START\s+TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE\s+TRANSACTION|"
    r"SET\s+(?:SESSION\s+CHARACTERISTICS|LOCAL\s+TRANSACTION|TRANSACTION))\b",
    re.IGNORECASE,
)
_ROWS = re.compile(r"\s*\(*\s*(?:SELECT|WITH|VALUES|SHOW|TABLE|EXPLAIN)\b|.*\bRETURNING\b", re.IGNORECASE | re.DOTALL)
_WRITES = re.compile(
    r"\s*(?:(?:INSERT|UPDATE|DELETE|MERGE)\b|WITH\b.*\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO)\b)",
    re.IGNORECASE | re.DOTALL,
)


def plain(statement: str) -> str:
    """Return *statement* without comments, strings and quoted names."""
    return _OPAQUE.sub(lambda m: "" if m[0].startswith(("--", "/*")) else " x ", statement)


def is_control(statement: str) -> bool:
    """Whether *statement*, or one of several in it, begins or ends a transaction or a savepoint."""
    text = plain(statement)
    # The body of a function in standard SQL has statements and an END of its own.
    if re.search(r"\bBEGIN\s+ATOMIC\b", text, re.IGNORECASE):
        return False
    return bool(_CONTROL.search(text))


def writes(statement: str) -> bool:
    """Whether *statement* is one whose count of rows is that of the rows which it wrote."""
    return bool(_WRITES.match(plain(statement)))


def columns(statement: str, context: Any) -> list[str] | None:
    """Return names for the columns that *statement* would have returned, None when it returns no rows."""
    compiled = getattr(context, "compiled", None)
    entries = getattr(compiled, "_result_columns", None)
    if entries:
        return [str(entry[0]) for entry in entries]
    return ["alembic_rehearsal"] if _ROWS.match(plain(statement)) else None
