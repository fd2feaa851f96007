"""What a statement needs of the rows in a table: for saying what a rehearsal without them can't show.

Statements are read as text, for the report only: nothing here decides a verdict. What is not recognised is not told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_DOTTED = rf"{_NAME}(?:\.{_NAME})?"
_ALTER = rf"\s*ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?P<table>{_DOTTED})\s+"
_READ = re.compile(rf"\b(?:FROM|JOIN|USING)\s+(?:ONLY\s+)?(?P<table>{_DOTTED})", re.IGNORECASE)
_WRITE = re.compile(rf"\s*(?:UPDATE|DELETE\s+FROM)\s+(?:ONLY\s+)?(?P<table>{_DOTTED})", re.IGNORECASE)
_INSERT = re.compile(rf"\s*INSERT\s+INTO\s+(?P<table>{_DOTTED})", re.IGNORECASE)
_LIMITED = re.compile(r"(?:character\s+varying|varchar|character|char)\s*\(\s*(\d+)\s*\)\Z", re.IGNORECASE)
_PARTS = re.compile(r"(?:[^,()]|\((?:[^()]|\([^()]*\))*\))+")
_STRINGS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a statement asks of a table's rows.

    Attributes:
        table: as the statement writes it.
        what: what has to hold, or what is done with the rows.
        query: SQL that shows on production what would be in the way, "" where none can be given.
        certain: one row in the table is enough to fail.
        moot: SQL that is true where production's schema says already that nothing can be in the way.
    """

    table: str
    what: str
    query: str = ""
    certain: bool = False
    moot: str = ""


Maker = Callable[[re.Match[str]], Need]


def _not_null(found: re.Match[str]) -> Need:
    table, column = found["table"], found["column"]
    moot = f"SELECT attnotnull FROM pg_attribute WHERE {_of_column(table, column)}"
    return Need(table, f"no NULL in {column}", f"SELECT count(*) FROM {table} WHERE {column} IS NULL", moot=moot)


def _unique(found: re.Match[str]) -> Need:
    # NULLs are not equal to each other: https://www.postgresql.org/docs/current/indexes-unique.html
    table, columns = found["table"], found["columns"].strip()
    given = [f"({each}) IS NOT NULL" for each in _split(columns)]
    partial = (found.groupdict().get("where") or "").strip()
    where = " AND ".join([*([f"({partial[5:].strip()})"] if partial else []), *given])
    query = f"SELECT {columns}, count(*) FROM {table} WHERE {where} GROUP BY {columns} HAVING count(*) > 1"
    return Need(table, f"no value of ({columns}) twice", query)


def _primary_key(found: re.Match[str]) -> Need:
    table, columns = found["table"], found["columns"].strip()
    nulls = " OR ".join(f"bool_or({each} IS NULL)" for each in _split(columns))
    query = f"SELECT {columns}, count(*) FROM {table} GROUP BY {columns} HAVING count(*) > 1 OR {nulls}"
    return Need(table, f"no value of ({columns}) twice, and no NULL", query)


def _check(found: re.Match[str]) -> Need:
    table, condition = found["table"], found["condition"].strip()
    return Need(table, f"every row has {condition}", f"SELECT count(*) FROM {table} WHERE NOT ({condition})")


def _foreign_key(found: re.Match[str]) -> Need:
    table, other = found["table"], found["other"]
    columns, keys = _split(found["columns"]), _split(found["keys"] or "")
    what = f"every ({', '.join(columns)}) is in {other}"
    if len(columns) != len(keys):
        return Need(table, what)
    pairs = " AND ".join(f"o.{key} = t.{column}" for column, key in zip(columns, keys, strict=True))
    given = " AND ".join(f"t.{column} IS NOT NULL" for column in columns)
    return Need(
        table,
        what,
        f"SELECT count(*) FROM {table} t WHERE {given} AND NOT EXISTS (SELECT FROM {other} o WHERE {pairs})",
    )


def _type(found: re.Match[str]) -> Need:
    table, column, new = found["table"], found["column"], found["type"].strip()
    what = f"every {column} can become {new}"
    limit = _LIMITED.match(new)
    if limit and not found["using"]:
        # An explicit cast would cut what ALTER TABLE refuses.
        return Need(
            table,
            what,
            f"SELECT count(*) FROM {table} WHERE length(CAST({column} AS text)) > {limit[1]}",
            # The modifier of varchar(n) is n + 4.
            moot=f"SELECT atttypmod BETWEEN 5 AND {limit[1]} + 4 FROM pg_attribute WHERE {_of_column(table, column)}",
        )
    value = (found["using"] or f"CAST({column} AS {new})").strip()
    return Need(table, what, f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL AND ({value}) IS NULL")


def _new_not_null(found: re.Match[str]) -> Need:
    table = found["table"]
    what = f"no row at all: the new column {found['column']} is NOT NULL and has no default"
    return Need(table, what, f"SELECT EXISTS (SELECT FROM {table})", certain=True)


def _validate(found: re.Match[str]) -> Need:
    return Need(found["table"], f"every row meets {found['name']}")


def _split(columns: str) -> list[str]:
    """Return what stands between the commas that are in no parentheses."""
    return [each.strip() for each in _PARTS.findall(columns) if each.strip()]


def _of_column(table: str, column: str) -> str:
    names = [name.replace("'", "''") for name in (table, name_of(column)[1])]
    return f"attrelid = to_regclass('{names[0]}') AND attname = '{names[1]}'"


# ALTER TABLE and CREATE INDEX: https://www.postgresql.org/docs/current/sql-altertable.html
_KEY = r"\((?P<columns>(?:[^()]|\((?:[^()]|\([^()]*\))*\))+)\)"
_ADD = rf"{_ALTER}ADD\s+(?:CONSTRAINT\s+{_NAME}\s+)?"
_PATTERNS: tuple[tuple[re.Pattern[str], Maker], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), maker)
    for pattern, maker in (
        (rf"{_ALTER}ALTER\s+(?:COLUMN\s+)?(?P<column>{_NAME})\s+SET\s+NOT\s+NULL\s*;?\s*\Z", _not_null),
        (rf"{_ADD}UNIQUE\s*{_KEY}", _unique),
        (rf"{_ADD}PRIMARY\s+KEY\s*{_KEY}", _primary_key),
        (rf"{_ADD}CHECK\s*\((?P<condition>.*)\)\s*(?:NO\s+INHERIT\s*)?;?\s*\Z", _check),
        (
            (
                rf"{_ADD}FOREIGN\s+KEY\s*{_KEY}\s*REFERENCES\s+(?P<other>{_DOTTED})\s*(?:\((?P<keys>[^()]+)\))?"
                r"(?!.*NOT\s+VALID)"
            ),
            _foreign_key,
        ),
        (
            (
                rf"{_ALTER}ALTER\s+(?:COLUMN\s+)?(?P<column>{_NAME})\s+(?:SET\s+DATA\s+)?TYPE\s+(?P<type>.+?)"
                r"(?:\s+USING\s+(?P<using>.+?))?\s*;?\s*\Z"
            ),
            _type,
        ),
        (
            (
                rf"{_ALTER}ADD\s+(?:COLUMN\s+)?(?!CONSTRAINT\b|IF\b)(?P<column>{_NAME})\s+"
                r"(?!.*\b(?:DEFAULT|GENERATED|(?:big|small)?serial)\b).*(?<!\bIS\s)NOT\s+NULL\b"
            ),
            _new_not_null,
        ),
        (rf"{_ALTER}VALIDATE\s+CONSTRAINT\s+(?P<name>{_NAME})", _validate),
        (
            (
                rf"\s*CREATE\s+UNIQUE\s+INDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?:{_NAME}\s+)?ON\s+"
                rf"(?:ONLY\s+)?(?P<table>{_DOTTED})\s*(?:USING\s+\w+\s*)?{_KEY}\s*(?P<where>WHERE\s.+?)?\s*;?\s*\Z"
            ),
            _unique,
        ),
    )
)


def needs(sql: str) -> Iterator[Need]:
    """Yield what *sql* asks of the rows of tables, each table with each need once."""
    # As sent with parameters, where a percent sign is doubled.
    sql = sql.replace("%%", "%")
    for pattern, maker in _PATTERNS:
        found = pattern.match(sql)
        if found:
            yield maker(found)
            return
    text = _STRINGS.sub("''", sql)
    head = text.lstrip()[:6].upper()
    if head not in ("SELECT", "UPDATE", "DELETE", "INSERT") and not head.startswith("WITH"):
        return
    told = set()
    written = _WRITE.match(text)
    if written:
        told.add(written["table"])
        yield Need(written["table"], "its rows are changed")
    into = _INSERT.match(text)
    if into:
        told.add(into["table"])
        yield Need(into["table"], "the new rows go with those that are there")
    for found in _READ.finditer(text):
        if found["table"] not in told:
            told.add(found["table"])
            yield Need(found["table"], "its rows are read")


def name_of(table: str) -> tuple[str, str]:
    """Return schema, "" where the statement names none, and name of *table*, folded as PostgreSQL folds them."""
    parts = [part[1:-1].replace('""', '"') if part[0] == '"' else part.lower() for part in re.findall(_NAME, table)]
    return (parts[0], parts[1]) if len(parts) == 2 else ("", parts[0])


_EMPTIED = re.compile(
    rf"\s*(?:TRUNCATE\s+(?:TABLE\s+)?|DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?|DELETE\s+FROM\s+)(?:ONLY\s+)?(?P<table>{_DOTTED})"
    r"(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_RENAMED = re.compile(rf"{_ALTER}RENAME\s+TO\s+(?P<new>{_NAME})", re.IGNORECASE)


def emptied(sql: str) -> str:
    """Return the table that has no row after *sql*, as the statement writes it; "" for none."""
    found = _EMPTIED.match(sql)
    return found["table"] if found and not re.search(r"\bWHERE\b|\bUSING\b", found["rest"], re.IGNORECASE) else ""


def renamed(sql: str) -> tuple[str, str]:
    """Return a table's old and new name, as the statement writes them; empty where none is renamed."""
    found = _RENAMED.match(sql)
    return (found["table"], found["new"]) if found else ("", "")
