"""Taking archives of files apart: nothing lands outside the folder, no links, and not more than there is room for."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from alembic_rehearsal.dump import refuse
from alembic_rehearsal.dump.layers import Layer
from alembic_rehearsal.dump.window import CHUNK, Readable
from alembic_rehearsal.errors import DumpError

LARGEST_UNPACKED = 64 << 30
MOST_FILES = 500_000
_ROOM_LEFT = 1 << 30
_NOISE = ("__MACOSX", ".DS_Store")  # what a Mac adds


class Budget:
    """How much may still be written."""

    def __init__(self, folder: Path) -> None:
        self._bytes_left = min(LARGEST_UNPACKED, max(0, shutil.disk_usage(folder).free - _ROOM_LEFT))
        self._limit = self._bytes_left
        self._files_left = MOST_FILES

    def file(self) -> None:
        """Count a file."""
        self._files_left -= 1
        if self._files_left < 0:
            raise DumpError(f"the dump unpacks to more than {MOST_FILES} files")

    def spend(self, count: int) -> None:
        """Count bytes."""
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise DumpError(
                f"the dump unpacks to more than {self._limit >> 20} MiB, which is what may be used here",
                fix="Make room (TMPDIR says where), or dump the schema only: pg_dump --schema-only",
            )


def spool(stream: Readable, target: Path, budget: Budget) -> Path:
    """Write a stream to a file."""
    budget.file()
    with target.open("wb") as file:
        while piece := stream.read(CHUNK):
            budget.spend(len(piece))
            file.write(piece)
    return target


def tar(stream: Layer, folder: Path, budget: Budget) -> None:
    """Unpack a tar stream into `folder`.

    Raises:
        DumpError: a member is a link or a device, or would land elsewhere; the archive is cut off or too large.
    """
    try:
        with tarfile.open(fileobj=_as_file(stream), mode="r|") as archive:
            for member in archive:
                if member.isdir():
                    continue
                target = _target(folder, member.name, harmless=member.isreg())
                content = archive.extractfile(member)
                if target is not None and content is not None:
                    spool(content, target, budget)
    except tarfile.ReadError as error:
        raise refuse.truncated(f"its tar archive can't be read to the end ({error})") from error
    except tarfile.TarError as error:
        raise DumpError(f"the dump's tar archive is damaged: {error}") from error


def zip_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files of a zip archive.

    Raises:
        DumpError: they are encrypted.
    """
    members = [one for one in archive.infolist() if not one.is_dir() and not _is_noise(one.filename)]
    if any(one.flag_bits & 1 for one in members):
        raise DumpError("the dump can't be read: the zip archive is encrypted", fix="Unpack it first: unzip FILE")
    return members


def zip_into(archive: zipfile.ZipFile, folder: Path, budget: Budget) -> None:
    """Unpack a zip archive into `folder`."""
    for member in zip_members(archive):
        # The upper half of the attributes is the Unix mode; 0xA000 marks a symbolic link.
        target = _target(folder, member.filename, harmless=member.external_attr >> 28 != 0xA)
        if target is not None:
            with archive.open(member) as content:
                spool(Layer(content, "zip"), target, budget)


def files(folder: Path) -> Iterator[Path]:
    """Yield the files that matter below `folder`."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_noise(str(path)))


def _target(folder: Path, name: str, *, harmless: bool) -> Path | None:
    path = PurePosixPath(name.replace("\\", "/"))
    if not harmless or path.is_absolute() or ".." in path.parts or ":" in path.parts[:1]:
        raise DumpError(
            f"the dump's archive holds {name!r}, which is a link, a device or a path that leads elsewhere",
            fix="Nothing of it was unpacked there. Find out where this file comes from.",
        )
    if _is_noise(name) or not path.parts:
        return None
    target = folder.joinpath(*path.parts)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise DumpError(f"the dump's archive uses {name!r} both as a file and as a folder") from error
    return target


def _is_noise(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part in _NOISE or part.startswith("._") for part in parts)


def _as_file(stream: Layer) -> IO[bytes]:
    return stream  # type: ignore[return-value]  # a streaming tarfile only calls read
