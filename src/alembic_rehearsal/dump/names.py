"""PostgreSQL's identifiers as a dump writes them: found, unquoted, quoted again."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

# An identifier may hold any byte above ASCII, unquoted too.
# Source: https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
IDENT = rb'(?:"(?:[^"]|"")*"|[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*)'
QUALIFIED = rb"(?:" + IDENT + rb"(?:\s*\.\s*" + IDENT + rb")*)"

_PART = re.compile(IDENT)
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")


def text(raw: bytes) -> str:
    """Decode so that whatever the dump's encoding is, `raw_bytes` gives the same bytes back."""
    return raw.decode("utf-8", "surrogateescape")


def raw_bytes(name: str) -> bytes:
    """Encode what `text` decoded."""
    return name.encode("utf-8", "surrogateescape")


def shown(name: str) -> str:
    """Return a name for a report: bytes that aren't UTF-8 become question marks."""
    return name.encode("utf-8", "replace").decode()


def unquote(raw: bytes) -> str:
    """Return the name that an identifier stands for; unquoted ones are folded to lower case."""
    raw = raw.strip()
    if raw.startswith(b'"'):
        return text(raw[1:-1].replace(b'""', b'"'))
    return text(raw.lower())


def split(raw: bytes) -> tuple[str, ...]:
    """Return the names of `schema.table` or of `a, b, c`."""
    return tuple(unquote(part) for part in _PART.findall(raw))


def quote(name: str) -> str:
    """Return the identifier for a name, always quoted."""
    return '"' + name.replace('"', '""') + '"'


def dotted(parts: Iterable[str]) -> str:
    """Return names joined as people write them, for a report: quotes only where they are needed."""
    return shown(".".join(part if _PLAIN.match(part) else quote(part) for part in parts))


def literal(value: str) -> str:
    """Return a string constant that means the same whatever standard_conforming_strings says."""
    quoted = value.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in value else f"'{quoted}'"


def matches(table: tuple[str, ...], patterns: Iterable[str]) -> bool:
    """Tell whether a table is asked for: `table`, `schema.table`, with `*` for any run of characters."""
    whole = ".".join(table)
    return any(
        fnmatch.fnmatchcase(whole if "." in pattern else table[-1], pattern.replace('"', "")) for pattern in patterns
    )
