"""A revision file as text that is written back as it was: encoding, byte order mark, newlines."""

from __future__ import annotations

import io
import tokenize
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file.

    Attributes:
        text: with the file's own newlines.
        encoding: as the file declares it; "utf-8-sig" keeps the mark that it begins with.
    """

    text: str
    encoding: str

    def encoded(self, text: str) -> bytes:
        """Return *text* as this file would hold it.

        Raises:
            UnicodeEncodeError: the encoding has no such character.
        """
        return text.encode(self.encoding)


def read(path: Path) -> Source:
    """Read a Python file.

    Raises:
        OSError: it can't be read.
        SyntaxError, UnicodeDecodeError: it is not in the encoding that it declares.
    """
    content = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    return Source(content.decode(encoding), encoding)
