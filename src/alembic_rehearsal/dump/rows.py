"""The rows of one COPY block, to be loaded or skipped."""

from __future__ import annotations

from alembic_rehearsal.dump import refuse
from alembic_rehearsal.dump.window import CHUNK, Window

_END = b"\\."


class CopyRows:
    """A file-like reader that ends where the block ends.

    In COPY's text format a backslash of the data is doubled, so that a line of backslash and dot is always the end.
    Source: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2

    Attributes:
        empty: no row was seen; final when the end was reached.
    """

    def __init__(self, window: Window, line: int) -> None:
        self._window = window
        self._line = line
        self._ended = False
        self._line_start = True
        self.empty = True
        while (newline := window.data.find(b"\n", window.at)) < 0:
            if not window.more():
                raise self._cut_off()
        window.skip(newline + 1 - window.at)

    def read(self, size: int = CHUNK, /) -> bytes:
        """Return at most `size` bytes of the rows, b"" at their end."""
        length = self._ahead(size)
        return self._window.take(length) if length else b""

    def skip(self) -> None:
        """Go to the end without keeping anything."""
        while length := self._ahead(None):
            self._window.skip(length)

    def _ahead(self, limit: int | None) -> int:
        """Return how many of the next bytes are rows; 0 when the end was reached and stepped over."""
        window = self._window
        while not self._ended:
            if self._line_start and self._step_over_end():
                break
            end = window.data.find(b"\n" + _END, window.at)
            # Two bytes stay: the mark may be cut by the end of the window.
            length = end + 1 - window.at if end >= 0 else len(window) - 2
            if length > 0:
                length = length if limit is None else min(length, limit)
                self._line_start = window.data[window.at + length - 1] == ord("\n")
                self.empty = False
                return length
            if not window.more():
                raise self._cut_off()
        return 0

    def _step_over_end(self) -> bool:
        window = self._window
        window.ensure(4)
        if not window.starts_with(_END):
            return False
        tail = window.data[window.at + 2 : window.at + 4]
        if tail[:1] not in (b"", b"\n") and tail not in (b"\r\n", b"\r"):
            return False
        window.skip(2)
        self._ended = True
        return True

    def _cut_off(self) -> Exception:
        return refuse.truncated(f"it ends within the rows of the COPY at line {self._line}")
