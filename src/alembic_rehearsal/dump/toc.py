"""The table of contents of pg_dump's archives, read without pg_restore.

pg_restore -l doesn't say which columns a table's rows have, nor whether there are any; the file does.
Source: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/bin/pg_dump/pg_backup_archiver.c (ReadHead, ReadToc)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import IO

from alembic_rehearsal.dump import refuse
from alembic_rehearsal.errors import DumpError

OLDEST = (1, 12)
NEWEST = (1, 16)  # PostgreSQL 17 and 18
_WITH_ALGORITHM = (1, 15)  # PostgreSQL 16
_WITH_ACCESS_METHOD = (1, 14)  # PostgreSQL 12
_WITH_KIND = (1, 16)
_LARGEST_STRING = 256 << 20
_LARGEST_TOC = 10_000_000


class Compression(IntEnum):
    """How the rows are compressed."""

    NONE = 0
    GZIP = 1
    LZ4 = 2
    ZSTD = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of the archive.

    Attributes:
        desc: "TABLE", "TABLE DATA", "EXTENSION", ...
        offset: where a custom archive keeps its rows, None when it doesn't say.
    """

    dump_id: int
    desc: str
    namespace: str
    tag: str
    owner: str
    definition: str
    copy_statement: str
    offset: int | None


@dataclass(frozen=True, slots=True)
class Toc:
    """An archive's head.

    Attributes:
        end: where it ends in the file and, in a custom archive, the rows begin.
    """

    version: tuple[int, int]
    compression: Compression
    offset_size: int
    int_size: int
    dbname: str
    server_version: str
    dumped_by: str
    entries: tuple[Entry, ...]
    end: int


def version(path: Path) -> tuple[int, int]:
    """Return the archive format's version."""
    with path.open("rb") as file:
        head = file.read(7)
    if head[:5] != b"PGDMP" or len(head) < 7:
        raise DumpError(f"{path.name} is not an archive of pg_dump")
    return head[5], head[6]


class Reader:
    """Reads the archive's own integers and strings."""

    def __init__(self, file: IO[bytes], int_size: int = 4) -> None:
        self._file = file
        self.int_size = int_size

    def raw(self, count: int) -> bytes:
        """Return exactly `count` bytes."""
        data = self._file.read(count)
        if len(data) != count:
            raise refuse.truncated("the archive ends within its table of contents")
        return data

    def integer(self) -> int:
        """Return a sign byte's and `int_size` bytes' worth."""
        data = self.raw(1 + self.int_size)
        value = int.from_bytes(data[1:], "little")
        return -value if data[0] else value

    def string(self) -> str | None:
        """Return a string, None for a null one."""
        length = self.integer()
        if length < 0:
            return None
        if length > _LARGEST_STRING:
            raise DumpError("the archive's table of contents is damaged")
        return self.raw(length).decode("utf-8", "surrogateescape")


def read(path: Path, *, custom: bool, start: int = 0) -> Toc:
    """Read the head of a custom archive, of a toc.dat, or of the toc.dat at `start` in a tar archive.

    Raises:
        DumpError: it is cut off, damaged, or of a version that isn't known here.
    """
    with path.open("rb") as file:
        file.seek(start)
        reader = Reader(file)
        magic, major, minor = reader.raw(5), reader.raw(1)[0], reader.raw(1)[0]
        if magic != b"PGDMP" or not OLDEST <= (major, minor) <= NEWEST:
            raise DumpError(
                f"the archive's format {major}.{minor} isn't known here (known are 1.12 to 1.16, PostgreSQL 9 to 18)",
                fix="Turn it into SQL with its own pg_restore: pg_restore --create --file=dump.sql ARCHIVE",
            )
        reader.raw(1)  # the revision, always 0
        reader.int_size = reader.raw(1)[0]
        offset_size = reader.raw(1)[0]
        reader.raw(1)  # the format: a toc.dat says "tar" in directories too
        compression = _compression(reader, (major, minor))
        for _ in range(7):
            reader.integer()  # when it was made
        dbname, server_version, dumped_by = (reader.string() or "" for _ in range(3))
        count = reader.integer()
        if not 0 <= count <= _LARGEST_TOC:
            raise DumpError("the archive's table of contents is damaged")
        entries = tuple(
            _entry(reader, (major, minor), offset_size if custom else 0, file_names=not custom) for _ in range(count)
        )
        return Toc(
            (major, minor), compression, offset_size, reader.int_size, dbname, server_version, dumped_by,
            entries, file.tell(),
        )  # fmt: skip


def _compression(reader: Reader, version: tuple[int, int]) -> Compression:
    if version < _WITH_ALGORITHM:
        return Compression.NONE if reader.integer() == 0 else Compression.GZIP
    number = reader.raw(1)[0]
    if number not in set(Compression):
        raise DumpError(f"the archive is compressed in a way that isn't known here (number {number})")
    return Compression(number)


def _entry(reader: Reader, version: tuple[int, int], offset_size: int, *, file_names: bool) -> Entry:
    dump_id = reader.integer()
    reader.integer()  # whether it has rows
    reader.string(), reader.string()  # catalog and object OIDs
    tag, desc = reader.string() or "", reader.string() or ""
    reader.integer()  # the section
    definition, _drop, copy_statement = (reader.string() or "" for _ in range(3))
    namespace, _tablespace = reader.string() or "", reader.string()
    if version >= _WITH_ACCESS_METHOD:
        reader.string()
    if version >= _WITH_KIND:
        reader.integer()
    owner = reader.string() or ""
    reader.string()  # WITH OIDS
    while reader.string() is not None:
        pass  # what it depends on
    offset = None
    if file_names:
        reader.string()
    elif offset_size:
        state, raw = reader.raw(1)[0], reader.raw(offset_size)
        offset = int.from_bytes(raw, "little") if state == 2 else None
    return Entry(dump_id, desc, namespace, tag, owner, definition, copy_statement, offset)
