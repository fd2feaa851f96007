"""PostgreSQL's names of types as SQLAlchemy's types, for those that every version of it writes in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

Type = Any  # TypeEngine has a parameter from 2.0 on and none before

# As format_type() writes them, https://www.postgresql.org/docs/current/functions-info.html
_PLAIN: dict[str, Callable[[], Type]] = {
    "smallint": sa.SmallInteger,
    "integer": sa.Integer,
    "bigint": sa.BigInteger,
    "real": sa.REAL,
    "double precision": lambda: sa.Float(precision=53),
    "numeric": sa.Numeric,
    "boolean": sa.Boolean,
    "text": sa.Text,
    "character varying": sa.String,
    "date": sa.Date,
    "time without time zone": sa.Time,
    "time with time zone": lambda: sa.Time(timezone=True),
    "timestamp without time zone": sa.DateTime,
    "timestamp with time zone": lambda: sa.DateTime(timezone=True),
    "interval": sa.Interval,
    "bytea": sa.LargeBinary,
    "json": sa.JSON,
    "jsonb": postgresql.JSONB,
    "uuid": postgresql.UUID,
    "inet": postgresql.INET,
    "cidr": postgresql.CIDR,
    "macaddr": postgresql.MACADDR,
    "tsvector": postgresql.TSVECTOR,
}
_LENGTH = {"character varying": sa.String, "character": sa.CHAR}
_WITH_NUMBERS = re.compile(r"(character varying|character|numeric)\((\d+)(?:,(\d+))?\)")


def of(text: str) -> Type | None:
    """Return SQLAlchemy's type for *text*, None where it has none that is its like to the letter."""
    if text.endswith("[]"):
        element = of(text[:-2])
        return None if element is None else postgresql.ARRAY(element)
    numbers = _WITH_NUMBERS.fullmatch(text)
    if numbers and numbers[1] == "numeric":
        return sa.Numeric(int(numbers[2]), int(numbers[3] or 0))
    if numbers:
        return _LENGTH[numbers[1]](length=int(numbers[2]))
    return _PLAIN[text]() if text in _PLAIN else None


def wider(before: str, after: str) -> bool:
    """Say whether every value of *before* is one of *after*, for the cases that are plain to see."""
    order = ("smallint", "integer", "bigint")
    if before in order and after in order:
        return order.index(before) <= order.index(after)
    lengths = [re.fullmatch(r"character varying(?:\((\d+)\))?|text", each) for each in (before, after)]
    if lengths[0] is None or lengths[1] is None:
        return False
    most = [int(found[1]) if found[1] else 0 for found in lengths if found is not None]
    return not most[1] or bool(most[0] and most[0] <= most[1])
