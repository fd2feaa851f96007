"""Whether a table of an archive has rows, told from the first bytes of its data without pg_restore.

Source: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/bin/pg_dump/pg_backup_custom.c (format comment)
"""

from __future__ import annotations

import io
import tarfile
import zlib
from pathlib import Path
from typing import IO

from alembic_rehearsal.dump import layers, toc
from alembic_rehearsal.errors import DumpError

_ROWS = 1
_LARGE_OBJECTS = 3
_ENOUGH = 8
_SUFFIXES = ("", ".gz", ".lz4", ".zst")


class RowProbe:
    """Answers for each data entry of one archive; what can't be told counts as filled."""

    def __init__(self, contents: toc.Toc, payload: Path, form: str) -> None:
        self._contents = contents
        self._payload = payload
        self._form = form
        self._starts: dict[int, bytes] | None = None

    def empty(self, dump_id: int) -> bool:
        """Tell whether the table has no row."""
        try:
            start = self._start(dump_id)
        except (DumpError, OSError, EOFError, tarfile.TarError):
            return False  # if it matters, pg_restore will say what is wrong with it
        return start is not None and (start.startswith(b"\\.") or not start.strip())

    def _start(self, dump_id: int) -> bytes | None:
        if self._form == "directory":
            return self._of_directory(dump_id)
        if self._starts is None:
            self._starts = self._of_tar() if self._form == "tar" else self._of_custom()
        return self._starts.get(dump_id)

    def _of_directory(self, dump_id: int) -> bytes | None:
        for suffix, kind in zip(_SUFFIXES, ("", "gzip", "lz4", "zstd"), strict=True):
            path = self._payload / f"{dump_id}.dat{suffix}"
            if path.is_file():
                with path.open("rb") as file:
                    stream = layers.file_layer(file)
                    return (layers.peel(kind, stream) if kind else stream).peek(_ENOUGH)
        return None

    def _of_tar(self) -> dict[int, bytes]:
        starts = {}
        with tarfile.open(self._payload) as archive:
            for member in archive:
                number = member.name.removesuffix(".dat")
                content = archive.extractfile(member) if number.isdigit() else None
                if content is not None:
                    starts[int(number)] = content.read(_ENOUGH)
        return starts

    def _of_custom(self) -> dict[int, bytes]:
        entries = [one for one in self._contents.entries if one.desc == "TABLE DATA"]
        starts: dict[int, bytes] = {}
        with self._payload.open("rb") as file:
            # An archive that went through a pipe doesn't know where its blocks are.
            if all(one.offset is not None for one in entries):
                for entry in entries:
                    file.seek(entry.offset or 0)
                    self._block(file, starts, last=True)
            else:
                file.seek(self._contents.end)
                while self._block(file, starts, last=False):
                    pass
        return starts

    def _block(self, file: IO[bytes], starts: dict[int, bytes], *, last: bool) -> bool:
        """Read the beginning of the block at the file's position and go to its end, unless it is the last."""
        kind = file.read(1)
        if not kind:
            return False
        reader = toc.Reader(file, self._contents.int_size)
        dump_id = reader.integer()
        if kind[0] == _LARGE_OBJECTS:
            while reader.integer():
                _skip_chunks(reader, file)
            return True
        if kind[0] != _ROWS:
            return False
        length = reader.integer()
        starts[dump_id] = self._decompress(reader.raw(length)) if length else b""
        if length and not last:
            _skip_chunks(reader, file)
        return True

    def _decompress(self, chunk: bytes) -> bytes:
        compression = self._contents.compression
        if compression is toc.Compression.GZIP:
            try:
                return zlib.decompressobj().decompress(chunk, _ENOUGH)
            except zlib.error:
                return chunk  # what compression level -1 of old archives means isn't always gzip
        if compression in (toc.Compression.LZ4, toc.Compression.ZSTD):
            kind = compression.name.lower()
            return layers.peel(kind, layers.file_layer(io.BytesIO(chunk))).peek(_ENOUGH)
        return chunk[:_ENOUGH]


def _skip_chunks(reader: toc.Reader, file: IO[bytes]) -> None:
    while length := reader.integer():
        if length < 0:
            raise DumpError("the archive's rows are damaged")
        file.seek(length, io.SEEK_CUR)
