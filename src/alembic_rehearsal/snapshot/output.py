"""The file: compressed as its name says, whole or not there at all, for its owner only."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

import zstandard

from alembic_rehearsal.errors import SnapshotError, UsageError

_ENDINGS = (".gz", ".zst", ".xz", ".bz2")
_OTHERS = (".zip", ".lz4", ".lzma", ".7z", ".br", ".tar", ".tgz", ".age", ".gpg")


def check(target: Path) -> None:
    """Refuse a name that says something else than what would be in the file.

    Raises:
        UsageError: it does, or its folder isn't there.
    """
    if target.suffix.lower() in _OTHERS:
        known = ", ".join(_ENDINGS)
        raise UsageError(f"{target}: a snapshot is plain SQL, compressed for a name that ends in {known}")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent} is not a directory")


@contextmanager
def written(target: Path) -> Iterator[IO[bytes]]:
    """Yield a stream whose content becomes the file when the block ends well.

    Raises:
        SnapshotError: it can't be written.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with _raw(temporary) as raw:
            with _compressed(raw, target.suffix.lower()) as stream:
                yield stream
            raw.flush()
            os.fsync(raw.fileno())
        temporary.replace(target)
    except OSError as error:
        raise SnapshotError(f"{target} can't be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _compressed(raw: IO[bytes], ending: str) -> AbstractContextManager[Any]:
    if ending == ".gz":
        # Without name and time, so that equal snapshots are equal files.
        return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
    if ending == ".zst":
        return zstandard.ZstdCompressor(level=9).stream_writer(raw, closefd=False)
    if ending == ".xz":
        return lzma.open(raw, "wb")
    if ending == ".bz2":
        return bz2.open(raw, "wb")
    return contextlib.nullcontext(raw)


def _raw(path: Path) -> IO[bytes]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    return os.fdopen(handle, "wb")
