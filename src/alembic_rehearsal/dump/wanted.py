"""Which rows of a dump are restored: those of version tables, told as in `versiontables`, and what was asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from alembic_rehearsal.dump import names

_DEFINITION = re.compile(
    rb"CREATE\s+(?:UNLOGGED\s+)?TABLE\s+[^(]*?\(\s*\"?version_num\"?\s+"
    rb"(?:character varying(?:\(\d+\))?|text|character\(\d+\))[^,]*"
    rb"(?:,\s*CONSTRAINT\b[^,]*)?\)\s*;?\s*\Z",
    re.IGNORECASE,
)
_ALEMBICS = re.compile(
    rb"CREATE\s+(?:UNLOGGED\s+)?TABLE\s+[^(]*?alembic[^(]*\((?:.*[(,\s])?\"?version_num\"?\s", re.IGNORECASE | re.DOTALL
)
_COLUMN = re.compile(rb"\s*\"?version_num\"?\s*\Z")
_AMONG = re.compile(rb"(?:\A|[,\s])\"?version_num\"?\s*(?:,|\Z)")
_COPY_COLUMNS = re.compile(r"\(([^()]*)\)\s+FROM\s+stdin", re.IGNORECASE)


def is_version_table(statement: bytes) -> bool:
    """Tell whether a CREATE TABLE makes a version table."""
    if b"version_num" not in statement:
        return False
    return _DEFINITION.match(statement.strip()) is not None or _ALEMBICS.match(statement.strip()) is not None


def is_version_columns(table: str, columns: bytes) -> bool:
    """Tell whether a column list is that of a version table called *table*."""
    return _COLUMN.match(columns) is not None or ("alembic" in table.lower() and _AMONG.search(columns) is not None)


def has_version_column(table: str, copy_statement: str) -> bool:
    """Tell whether a COPY into *table* has a version table's column list."""
    found = _COPY_COLUMNS.search(copy_statement)
    return found is not None and is_version_columns(table, names.raw_bytes(found[1]))


@dataclass
class Rows:
    """Which rows of one database are restored, and what became known of the others.

    Attributes:
        include: tables that were asked for, see `names.matches`.
        version_tables: made so far.
        left_out: tables whose rows stay behind.
        known_empty: tables of which the dump has an empty block of rows.
        matched: those of `include` that some table answered to.
    """

    include: Sequence[str]
    version_tables: set[tuple[str, ...]] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    known_empty: set[str] = field(default_factory=set)
    matched: set[str] = field(default_factory=set)

    def wants(self, table: bytes, columns: bytes) -> bool:
        """Tell whether rows for a table are restored."""
        parts = names.split(table)
        if self._is_version(parts, columns):
            return True
        asked = {pattern for pattern in self.include if names.matches(parts, (pattern,))}
        self.matched |= asked
        return bool(asked)

    def found_none(self, table: bytes) -> None:
        """Record that a table has no row in production."""
        self.known_empty.add(names.dotted(names.split(table)))

    def leave_out(self, table: bytes) -> None:
        """Record that a table has rows in the dump which aren't restored."""
        self.left_out.add(names.dotted(names.split(table)))

    def _is_version(self, table: tuple[str, ...], columns: bytes) -> bool:
        return is_version_columns(table[-1] if table else "", columns) or (
            not columns.strip() and table in self.version_tables
        )
