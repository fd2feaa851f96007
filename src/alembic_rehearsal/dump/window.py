"""A moving window over a byte stream, so that a dump of any size is read in bounded memory."""

from __future__ import annotations

from typing import Protocol

from alembic_rehearsal.errors import DumpError

CHUNK = 1 << 20
# No statement of a real dump comes near this; the protocol's own limit of a message is 1 GiB.
LARGEST_STATEMENT = 256 << 20


class Readable(Protocol):
    """What a window moves over."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, b"" at the end."""


class Window:
    """The part of a stream that is in memory.

    Attributes:
        data: what was read and not dropped yet.
        at: index in `data` of the next byte that isn't consumed.
        line: 1-based number of the line that this byte is in.
        ended: the stream has no more.
    """

    __slots__ = ("_stream", "at", "data", "ended", "line")

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.data = b""
        self.at = 0
        self.line = 1
        self.ended = False

    def __len__(self) -> int:
        return len(self.data) - self.at

    def more(self) -> bool:
        """Drop what was consumed and read on, False at the end. Indexes into `data` change, `at` with them."""
        if self.ended:
            return False
        kept = self.data[self.at :]
        if len(kept) > LARGEST_STATEMENT:
            raise DumpError(f"the statement at line {self.line} is longer than {LARGEST_STATEMENT >> 20} MiB")
        # As much again as is kept, so that a long statement isn't copied over and over.
        chunk = self._stream.read(max(CHUNK, len(kept)))
        self.ended = not chunk
        self.data = kept + chunk
        self.at = 0
        return not self.ended

    def ensure(self, count: int) -> None:
        """Read on until `count` bytes are there or the stream ends."""
        while len(self) < count and self.more():
            pass

    def starts_with(self, prefix: bytes) -> bool:
        """Tell whether the next bytes are these."""
        return self.data.startswith(prefix, self.at)

    def take(self, count: int) -> bytes:
        """Consume and return."""
        start = self.at
        self.skip(count)
        return self.data[start : self.at]

    def skip(self, count: int) -> None:
        """Consume."""
        end = self.at + count
        self.line += self.data.count(b"\n", self.at, end)
        self.at = end
