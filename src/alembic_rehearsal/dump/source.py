"""From what the user gave to an archive on disk or a stream of SQL, whatever was wrapped around it."""

from __future__ import annotations

import contextlib
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic_rehearsal.dump import layers, magic, refuse, unpack
from alembic_rehearsal.dump.layers import Layer
from alembic_rehearsal.errors import DumpError

_MOST_LAYERS = 8
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Source:
    """A recognised dump; the fields are those of `DumpInfo`."""

    form: str
    wrapping: tuple[str, ...]
    payload: Path


def recognise(path: Path, workdir: Path) -> Source:
    """Find out what a dump is, unpacking below `workdir` what can't be read where it lies.

    Raises:
        DumpError: it is empty, encrypted, cut off, or not a dump.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return Source("directory", (), _archive_folder(path, path))
        folder = Path(tempfile.mkdtemp(prefix="dump-", dir=workdir))
        payload = path
        if not stat.S_ISREG(mode):
            # A pipe, as in --dump <(ssh db pg_dump ...): it can be read once only.
            with path.open("rb") as pipe:
                payload = unpack.spool(pipe, folder / "piped", unpack.Budget(folder))
        return _Peeler(payload, folder, str(path)).run()
    except OSError as error:
        raise DumpError(f"{path} can't be read: {error.strerror or error}") from error


@contextmanager
def open_script(payload: Path) -> Iterator[Layer]:
    """Open the SQL of a dump that `recognise` found to be plain."""
    with ExitStack() as stack:
        try:
            stream = layers.file_layer(stack.enter_context(payload.open("rb")))
        except OSError as error:
            raise DumpError(f"{payload} can't be read: {error.strerror or error}") from error
        for _ in range(_MOST_LAYERS):
            kind = magic.kind(stream.peek(magic.HEAD))
            if kind == "zip":
                stream = _single_member(payload, stack)
            elif layers.can_peel(kind):
                stream = layers.peel(kind, stream)
        if stream.peek(len(_BOM)) == _BOM:
            stream.read(len(_BOM))
        yield stream


class _Peeler:
    """Takes one wrapping off after the other."""

    def __init__(self, path: Path, folder: Path, given: str) -> None:
        self._path = path
        self._given = given
        self._folder = folder
        self._budget = unpack.Budget(self._folder)
        self._wrapping: list[str] = []
        self._on_disk = True  # nothing was taken off since the file at `_path`
        self._count = 0

    def run(self) -> Source:
        with ExitStack() as stack:
            stream = self._open(stack)
            for _ in range(_MOST_LAYERS):
                head = stream.peek(magic.HEAD)
                if not head.strip(b"\0\r\n\t \xff\xfe\xef\xbb\xbf"):
                    raise refuse.empty(self._given)
                kind = magic.kind(head)
                if kind == "plain":
                    return Source("plain", tuple(self._wrapping), self._path)
                if kind == "custom":
                    return Source("custom", tuple(self._wrapping), self._settle(stream))
                if kind == "tar" and self._on_disk and head.startswith(b"toc.dat\0") and head[512:517] == b"PGDMP":
                    return Source("tar", tuple(self._wrapping), self._path)
                self._wrapping.append(kind)
                if layers.can_peel(kind):
                    stream = layers.peel(kind, stream)
                    self._on_disk = False
                    continue
                found = self._unpack_zip(stack) if kind == "zip" else self._unpack_tar(stream)
                if isinstance(found, Source):
                    return found
                stream = found if isinstance(found, Layer) else self._open(stack)
        raise DumpError(f"{self._given} is wrapped more than {_MOST_LAYERS} times")

    def _open(self, stack: ExitStack) -> Layer:
        self._on_disk = True
        return layers.file_layer(stack.enter_context(self._path.open("rb")))

    def _settle(self, stream: Layer) -> Path:
        """Return a file with what the stream holds: pg_restore jumps back and forth in an archive."""
        if self._on_disk:
            return self._path
        return unpack.spool(stream, self._fresh(), self._budget)

    def _fresh(self) -> Path:
        self._count += 1
        return self._folder / str(self._count)

    def _unpack_tar(self, stream: Layer) -> Source | None:
        folder = self._fresh()
        folder.mkdir()
        unpack.tar(stream, folder, self._budget)
        return self._look_into(folder)

    def _unpack_zip(self, stack: ExitStack) -> Source | Layer | None:
        if not self._on_disk:
            raise DumpError(f"{self._given} is a zip archive within another file", fix="Unpack it first.")
        with _zip_errors(), zipfile.ZipFile(self._path) as archive:
            members = unpack.zip_members(archive)
            if len(members) > 1 or any(one.filename.endswith("toc.dat") for one in members):
                folder = self._fresh()
                unpack.zip_into(archive, folder, self._budget)
                return self._look_into(folder)
        self._on_disk = False
        return _single_member(self._path, stack)

    def _look_into(self, folder: Path) -> Source | None:
        """Return the directory archive below `folder`, or go on with the one file that is there."""
        if any(folder.rglob("toc.dat")):
            return Source("directory", tuple(self._wrapping), _archive_folder(folder, Path(self._given)))
        found = list(unpack.files(folder))
        if any(path.name in ("PG_VERSION", "backup_label") for path in found):
            raise magic.not_a_dump("it is a copy of a data directory (pg_basebackup)")
        if len(found) != 1:
            names = ", ".join(str(path.relative_to(folder)) for path in found[:5]) or "nothing"
            raise DumpError(
                f"{self._given} holds {len(found)} files where one dump was expected: {names}",
                fix="Unpack it and give the dump alone.",
            )
        self._path = found[0]
        return None


def _single_member(path: Path, stack: ExitStack) -> Layer:
    with _zip_errors():
        archive = stack.enter_context(zipfile.ZipFile(path))
        members = unpack.zip_members(archive)
        if not members:
            raise refuse.empty(str(path))
        return Layer(stack.enter_context(archive.open(members[0])), "zip")


@contextmanager
def _zip_errors() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, EOFError) as error:
        raise refuse.truncated(f"its zip archive can't be read ({error})") from error
    except NotImplementedError as error:
        raise DumpError(f"the dump's zip archive can't be read: {error}", fix="Unpack it first.") from error


def _archive_folder(folder: Path, given: Path) -> Path:
    """Return the one folder with a toc.dat at `folder` or below, as Render's export nests it.

    Source: https://render.com/docs/postgresql-backups
    """
    found = [folder] if (folder / "toc.dat").is_file() else []
    with contextlib.suppress(PermissionError):
        found = found or sorted(path.parent for path in folder.rglob("toc.dat") if path.is_file())
    if len(found) == 1:
        return found[0]
    if not found:
        raise magic.not_a_dump(f"{given} is a folder without a toc.dat, so it isn't a directory archive of pg_dump")
    names = ", ".join(str(path.relative_to(folder)) for path in found[:5])
    raise DumpError(f"{given} holds {len(found)} directory archives: {names}", fix="Give one of them.")
