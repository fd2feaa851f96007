"""A scanner over a plain dump: one statement or COPY block at a time, whatever the dump's size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from alembic_rehearsal.dump import refuse
from alembic_rehearsal.dump.lexer import StatementLexer
from alembic_rehearsal.dump.names import QUALIFIED
from alembic_rehearsal.dump.rows import CopyRows
from alembic_rehearsal.dump.window import CHUNK, Readable, Window

_BLANK = re.compile(rb"(?:[\s;]+|--[^\n]*(?:\n|\Z))+")
_COPY = re.compile(
    rb"COPY\s+(?P<table>" + QUALIFIED + rb")\s*(?:\((?P<columns>[^()]*)\))?\s+FROM\s+stdin\b", re.IGNORECASE
)
_STRINGS = re.compile(
    rb"SET\s+(?:SESSION\s+|LOCAL\s+)?standard_conforming_strings\s*(?:=|TO)\s*'?(off|on)\b", re.IGNORECASE
)
_HEADER = re.compile(rb"-- Dumped (?P<what>from database|by pg_dump) version (?P<version>[^\r\n]+)")
# Numbers, words and plain strings, as pg_dump writes a row; nothing that could hide a semicolon.
_VALUES = rb"""[^'";$\\/-]*(?:(?:(?<![eEuU&])'[^']*'|-(?!-))[^'";$\\/-]*)*"""
_MARK = b"-- PostgreSQL database"


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement with its semicolon, comments before it left out; `line` is 1-based."""

    line: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Meta:
    r"""A line for psql, such as `\connect shop`."""

    line: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Copy:
    """A COPY block; its rows are skipped when the next item is asked for.

    Attributes:
        table: as written.
        columns: as written, without the parentheses.
    """

    line: int
    text: bytes
    table: bytes
    columns: bytes
    rows: CopyRows


Item = Statement | Meta | Copy


class Scanner:
    """Splits a byte stream into items.

    Attributes:
        server_version: the text after "Dumped from database version" of the first header, None before it.
        dumped_by: the text after "Dumped by pg_dump version" of the first header, None before it.
        cluster: it is pg_dumpall's.
        complete: None while none of pg_dump's own comments was seen, then whether the last one was an end.
    """

    def __init__(self, stream: Readable) -> None:
        self._window = Window(stream)
        self._standard_strings = True
        self.server_version: str | None = None
        self.dumped_by: str | None = None
        self.cluster = False
        self.complete: bool | None = None

    @property
    def line(self) -> int:
        """Return the line that the scanner is at."""
        return self._window.line

    def __iter__(self) -> Iterator[Item]:
        """Yield the items in order.

        Raises:
            DumpError: it is cut off, or holds a command for psql within a statement.
        """
        window = self._window
        while self._skip_blank():
            line = window.line
            if window.starts_with(b"\\"):
                yield Meta(line, self._rest_of_line())
                continue
            text = window.take(StatementLexer(window, standard_strings=self._standard_strings).length())
            head = text[:4].upper()
            if head == b"SET ":
                self._follow_strings(text)
            copy = _COPY.match(text) if head == b"COPY" else None
            if copy is None:
                yield Statement(line, text)
                continue
            rows = CopyRows(window, line)
            yield Copy(line, text, copy["table"], copy["columns"] or b"", rows)
            rows.skip()
        if self.complete is False:
            raise refuse.truncated('the comment "PostgreSQL database dump complete" at its end is missing')

    def skip_alike(self, head: bytes) -> None:
        """Step over the INSERTs that follow and begin with `head`, many at a time.

        A dump of rows as INSERTs has millions. What isn't plainly one is left to the next item.
        """
        window = self._window
        if not self._standard_strings:
            return
        alike = re.compile(rb"(?:\s*" + re.escape(head) + rb"(?=[\s(])" + _VALUES + rb";)+")
        while True:
            if len(window) < CHUNK // 2:
                window.more()
            found = alike.match(window.data, window.at)
            if found is None:
                return
            window.skip(found.end() - window.at)

    def _skip_blank(self) -> bool:
        """Step over white space, comments and empty statements; False at the end of the dump."""
        window = self._window
        while True:
            found = _BLANK.match(window.data, window.at)
            length = found.end() - window.at if found else 0
            if len(window) - length < 2 and not window.ended:
                # A comment may be cut by the end of the window: take whole lines only.
                self._learn(window.take(found[0].rfind(b"\n") + 1 if found else 0))
                window.more()
                continue
            if length:
                self._learn(window.take(length))
            if not window.starts_with(b"/*"):
                return len(window) > 0
            window.skip(StatementLexer(window, standard_strings=True).comment_end(0))

    def _learn(self, comments: bytes) -> None:
        """Read pg_dump's own comments."""
        if b"ump" not in comments:
            return
        for header in _HEADER.finditer(comments):
            version = header["version"].decode(errors="replace").strip()
            if header["what"].startswith(b"from"):
                self.server_version = self.server_version or version
            else:
                self.dumped_by = self.dumped_by or version
        mark = comments.rfind(_MARK)
        if mark >= 0:
            words = comments[mark + len(_MARK) :].split(b"\n", 1)[0].split()
            self.complete = words[-1:] == [b"complete"]
            self.cluster = self.cluster or words[:1] == [b"cluster"]

    def _rest_of_line(self) -> bytes:
        window = self._window
        while (end := window.data.find(b"\n", window.at)) < 0 and window.more():
            pass
        return window.take(len(window) if end < 0 else end - window.at).rstrip()

    def _follow_strings(self, text: bytes) -> None:
        setting = _STRINGS.match(text)
        if setting:
            self._standard_strings = setting[1].lower() == b"on"
