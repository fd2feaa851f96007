"""A directory archive whose rows are compressed in a way that many builds of pg_restore can't undo, made plainer."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from alembic_rehearsal.dump import layers, toc, unpack

_SUFFIXES = {toc.Compression.LZ4: ("lz4", ".lz4"), toc.Compression.ZSTD: ("zstd", ".zst")}
_ALGORITHM_AT = 11  # after the magic, three version bytes, two sizes and the format


def applies(contents: toc.Toc, form: str) -> bool:
    """Tell whether this is such an archive."""
    return form == "directory" and contents.compression in _SUFFIXES


def copy(contents: toc.Toc, payload: Path, rows: Iterable[int], folder: Path) -> Path:
    """Return a directory archive in `folder` that has the given rows only, uncompressed."""
    folder.mkdir(exist_ok=True)
    budget = unpack.Budget(folder)
    head = bytearray((payload / "toc.dat").read_bytes())
    head[_ALGORITHM_AT] = toc.Compression.NONE
    (folder / "toc.dat").write_bytes(head)
    kind, suffix = _SUFFIXES[contents.compression]
    for dump_id in rows:
        with (payload / f"{dump_id}.dat{suffix}").open("rb") as file:
            unpack.spool(layers.peel(kind, layers.file_layer(file)), folder / f"{dump_id}.dat", budget)
    return folder
