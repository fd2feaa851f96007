"""Streams within streams: each takes one compression or encoding off, and says so when it is cut off."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any

import lz4.frame  # type: ignore[import-untyped]
import zstandard

from alembic_rehearsal.dump import refuse
from alembic_rehearsal.dump.window import CHUNK, Readable
from alembic_rehearsal.errors import DumpError

_DAMAGED = (OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError, RuntimeError, UnicodeError, zipfile.BadZipFile)


class Layer:
    """A readable with a look ahead, whose errors are said in the dump's terms.

    Attributes:
        name: "gzip" and so on, for messages.
    """

    def __init__(self, stream: Readable, name: str) -> None:
        self._stream = stream
        self._ahead = b""
        self.name = name

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end, without consuming them."""
        while len(self._ahead) < size:
            piece = self._read(size - len(self._ahead))
            if not piece:
                break
            self._ahead += piece
        return self._ahead[:size]

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, b"" at the end.

        Raises:
            DumpError: the layer is damaged or cut off.
        """
        if self._ahead:
            size = len(self._ahead) if size < 0 else size
            taken, self._ahead = self._ahead[:size], self._ahead[size:]
            return taken
        return self._read(CHUNK if size < 0 else size)

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except EOFError as error:
            raise refuse.truncated(f"its {self.name} layer ends too early") from error
        except _DAMAGED as error:
            raise DumpError(f"the dump can't be read, its {self.name} layer is damaged: {error}") from error


class _Zstd:
    """Frames of zstd, one after the other; the library's own reader takes a cut-off frame for the end."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._frame: Any = None
        self._rest = b""
        self._ready = b""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; raise EOFError within a frame."""
        while not self._ready:
            source = self._rest or self._stream.read(CHUNK // 8)
            self._rest = b""
            if not source:
                if self._frame is not None:
                    raise EOFError
                return b""
            if self._frame is None:
                # --ultra --long=31 is the most that zstd's command line can ask of a reader.
                self._frame = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()
            self._ready = self._frame.decompress(source)
            if self._frame.eof:
                self._rest, self._frame = self._frame.unused_data, None
        size = len(self._ready) if size < 0 else size
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken


class _Utf16:
    """UTF-16 with a byte order mark, as UTF-8."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        self._ready = b""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes."""
        while not self._ready:
            source = self._stream.read(CHUNK)
            self._ready = self._decoder.decode(source, final=not source).encode()
            if not source:
                break
        size = len(self._ready) if size < 0 else size
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken


_OPENERS: dict[str, Callable[[Any], Readable]] = {
    "gzip": lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "lz4": lz4.frame.LZ4FrameFile,
    "zstd": _Zstd,
    "utf-16": _Utf16,
}


def can_peel(kind: str) -> bool:
    """Tell whether `peel` knows the layer."""
    return kind in _OPENERS


def peel(kind: str, stream: Layer) -> Layer:
    """Return what is within."""
    return Layer(_OPENERS[kind](stream), kind)


def file_layer(file: IO[bytes]) -> Layer:
    """Return the outermost layer: the file itself."""
    return Layer(file, "outermost")
