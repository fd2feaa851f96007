"""Where a statement ends: the part of PostgreSQL's lexical rules that a semicolon can hide in."""

from __future__ import annotations

import re

from alembic_rehearsal.dump import refuse
from alembic_rehearsal.dump.window import Window
from alembic_rehearsal.errors import DumpError

# Each pattern also matches what the end of the window has cut; `'it''s'` is two strings side by side.
_COMMON = rb"""'[^']*'?|"[^"]*"?|\$[A-Za-z0-9_\x80-\xff]*\$?|--[^\n]*|/\*|;|\\"""
_PLAIN = re.compile(_COMMON)
# A rule's commands stand in parentheses, and those of a SQL-standard function body between BEGIN ATOMIC and
# END, each with its own semicolon. psql tells them in the same way.
# Source: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/fe_utils/psqlscan.l
_RULE = re.compile(_COMMON + rb"|[()]")
_WORD = rb"(?<![A-Za-z0-9_$\x80-\xff])(?:begin\s+atomic|case|end)(?![A-Za-z0-9_$\x80-\xff])"
_ROUTINE = re.compile(_COMMON + rb"|" + _WORD, re.IGNORECASE)
_KIND = re.compile(rb"CREATE\s+(?:OR\s+REPLACE\s+)?(?:(RULE)|FUNCTION|PROCEDURE)\b", re.IGNORECASE)
_ESCAPED = re.compile(rb"'(?:[^'\\]+|''|\\.)*'?", re.DOTALL)
_NESTED = re.compile(rb"/\*|\*/")
_NAME_BYTE = re.compile(rb"[A-Za-z0-9_$\x80-\xff]")
# Longer than any fixed token, which the end of the window may cut before it can be recognised.
_OVERLAP = 80


class StatementLexer:
    """Finds the length of the statement that begins at the window's position.

    All offsets count from there, since the window may move while it is read.
    """

    def __init__(self, window: Window, *, standard_strings: bool) -> None:
        self._window = window
        self._standard_strings = standard_strings

    def length(self) -> int:
        """Return the statement's length with its semicolon.

        Raises:
            DumpError: the dump ends before it, or a command for psql stands within it.
        """
        window = self._window
        window.ensure(_OVERLAP)
        kind = _KIND.match(window.data, window.at)
        tokens = _PLAIN if kind is None else _RULE if kind[1] else _ROUTINE
        depth = settled = 0
        while True:
            found = tokens.search(window.data, window.at + settled)
            if found is None:
                settled = max(settled, len(window) - _OVERLAP)
                self._need_more()
                continue
            token = found[0]
            offset = found.start() - window.at
            if token == b";":
                if depth == 0:
                    return offset + 1
                settled = offset + 1
            elif found.end() == len(window.data) and not window.ended:
                settled = offset
                window.more()
            elif token[:1] in _QUOTES:
                settled = self._behind(token, offset)
            else:
                settled = offset + len(token)
                depth += _step(token, depth)

    def comment_end(self, offset: int) -> int:
        """Return the offset behind the `/*` comment at `offset`; they nest."""
        window = self._window
        depth, settled = 1, offset + 2
        while depth:
            found = _NESTED.search(window.data, window.at + settled)
            if found is None:
                settled = max(settled, len(window) - 1)
                self._need_more()
                continue
            depth += 1 if found[0] == b"/*" else -1
            settled = found.end() - window.at
        return settled

    def _behind(self, token: bytes, offset: int) -> int:
        first = token[:1]
        if first == b"'":
            return self._string_end(token, offset)
        if first == b'"':
            return self._closed(token, offset)
        if first == b"$":
            return self._dollar_end(token, offset)
        if first == b"/":
            return self.comment_end(offset)
        if first == b"-":
            return offset + len(token)
        window = self._window
        start = window.at + offset
        line = window.line + window.data.count(b"\n", window.at, start)
        raise refuse.meta_command(line, window.data[start : start + 80])

    def _closed(self, token: bytes, offset: int) -> int:
        if len(token) > 1 and token[-1] == token[0]:
            return offset + len(token)
        raise self._unfinished()

    def _string_end(self, token: bytes, offset: int) -> int:
        window = self._window
        at = window.at + offset
        before = window.data[max(window.at, at - 2) : at]
        marked = before[-1:] in (b"E", b"e") and not (len(before) > 1 and _NAME_BYTE.match(before[:1]))
        if self._standard_strings and not marked:
            return self._closed(token, offset)
        while True:
            found = _ESCAPED.match(window.data, window.at + offset)
            assert found is not None, "the lexer stands at a quote"
            if found.end() < len(window.data) or window.ended:
                return self._closed(found[0], offset)
            window.more()

    def _dollar_end(self, token: bytes, offset: int) -> int:
        window = self._window
        in_name = offset > 0 and _NAME_BYTE.match(window.data, window.at + offset - 1)
        if in_name or len(token) < 2 or not token.endswith(b"$") or token[1:2].isdigit():
            return offset + 1  # a parameter, or a dollar sign within a name
        settled = offset + len(token)
        while (end := window.data.find(token, window.at + settled)) < 0:
            settled = max(settled, len(window) - len(token))
            self._need_more()
        return end - window.at + len(token)

    def _need_more(self) -> None:
        if not self._window.more():
            raise self._unfinished()

    def _unfinished(self) -> DumpError:
        return refuse.truncated(f"it ends within the statement that begins at line {self._window.line}")


_QUOTES = frozenset((b"'", b'"', b"$", b"/", b"-", b"\\"))


def _step(token: bytes, depth: int) -> int:
    """Return how a parenthesis, or a word of a SQL-standard body, changes the depth."""
    first = token[:1].lower()
    if first in (b"(", b"b"):
        return 1
    if first == b"c":
        return 1 if depth else 0
    return -1 if depth else 0
