"""pg_dump's output, one statement at a time, with nothing lost between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# What changes how the rest of a line is read.
# Source: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
_OPENING = re.compile(
    rb"(?P<line>--)|(?P<block>/\*)|(?P<escaped>(?<![A-Za-z0-9_\x80-\xff])[eE]')|(?P<string>')|(?P<name>\")"
    rb"|(?P<dollar>(?<![A-Za-z0-9_$\x80-\xff])\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$)|(?P<end>;)"
)
_CLOSING = {
    "string": re.compile(rb"''|(?P<end>')"),
    "escaped": re.compile(rb"\\.|''|(?P<end>')", re.DOTALL),
    "name": re.compile(rb'""|(?P<end>")'),
}
_COMMENT = re.compile(rb"/\*|\*/")


class _State:
    """Where in the grammar a line ends."""

    def __init__(self) -> None:
        self._within = ""
        self._tag = b""
        self._depth = 0

    def ends_statement(self, line: bytes) -> bool:
        """Read a line; True when it ends with a semicolon that ends a statement."""
        at = 0
        while at < len(line):
            if self._within:
                at = self._close(line, at)
                continue
            found = _OPENING.search(line, at)
            if found is None:
                return False
            at = found.end()
            rest = line[at:].strip()
            ended = found.lastgroup == "end" and (not rest or rest.startswith(b"--"))
            if ended:
                return True
            if found.lastgroup == "line":
                return False
            if found.lastgroup != "end":
                self._within, self._tag, self._depth = found.lastgroup or "", found[0], 1
        return False

    def _close(self, line: bytes, at: int) -> int:
        """Return where what is open ends, or the end of the line."""
        if self._within == "dollar":
            end = line.find(self._tag, at)
            return self._leave(end + len(self._tag)) if end >= 0 else len(line)
        if self._within == "block":
            for mark in _COMMENT.finditer(line, at):
                self._depth += 1 if mark[0] == b"/*" else -1
                if not self._depth:
                    return self._leave(mark.end())
            return len(line)
        for mark in _CLOSING[self._within].finditer(line, at):
            if mark["end"]:
                return self._leave(mark.end())
        return len(line)

    def _leave(self, at: int) -> int:
        self._within = ""
        return at


def split(lines: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yield whole statements, and between them comments, blank lines and `\restrict`, each a line.

    A function with a body in SQL (BEGIN ATOMIC) comes in pieces, each as long as one of its statements.
    """
    pending: list[bytes] = []
    state = _State()
    for line in lines:
        if not pending and (not line.strip() or line.startswith((b"--", b"\\"))):
            yield line
            continue
        pending.append(line)
        if state.ends_statement(line):
            yield b"".join(pending)
            pending.clear()
    if pending:
        yield b"".join(pending)
