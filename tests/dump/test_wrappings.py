"""Whatever a dump is wrapped in, it is told by its content and read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import lz4.frame  # type: ignore[import-untyped]
import pytest
import zstandard
from fix_dumps import Production, Restore

from alembic_rehearsal import dump, programs
from alembic_rehearsal.dump import source
from alembic_rehearsal.dump.script import Scanner
from alembic_rehearsal.errors import DumpError
from alembic_rehearsal.model import DumpInfo


def zipped(name: str, data: bytes) -> bytes:
    """Return a zip archive with one file, and what a Mac adds."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
        archive.writestr(f"__MACOSX/._{name}", b"\0")
    return file.getvalue()


def tarred(folder: Path, prefix: str) -> bytes:
    """Return a tar archive of a folder."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(folder, prefix)
    return file.getvalue()


WRAPPINGS: dict[str, tuple[Callable[[bytes], bytes], tuple[str, ...]]] = {
    "gzip": (gzip.compress, ("gzip",)),
    "gzip in two members": (lambda data: gzip.compress(data[:999]) + gzip.compress(data[999:]), ("gzip",)),
    "bzip2": (bz2.compress, ("bzip2",)),
    "xz": (lzma.compress, ("xz",)),
    "lz4": (lz4.frame.compress, ("lz4",)),
    "zstd": (zstandard.ZstdCompressor().compress, ("zstd",)),
    "zstd in two frames": (
        lambda data: zstandard.ZstdCompressor().compress(data[:999]) + zstandard.ZstdCompressor().compress(data[999:]),
        ("zstd",),
    ),
    "utf-16": (lambda data: data.decode().replace("\n", "\r\n").encode("utf-16"), ("utf-16",)),
    "utf-16 big-endian": (lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"), ("utf-16",)),
    "gzip of utf-16": (lambda data: gzip.compress(data.decode().encode("utf-16")), ("gzip", "utf-16")),
    "byte order mark": (lambda data: b"\xef\xbb\xbf" + data, ()),
    "zip": (lambda data: zipped("dump.sql", data), ("zip",)),
    "zip of gzip": (lambda data: zipped("dump.sql.gz", gzip.compress(data)), ("zip", "gzip")),
    "gzip of gzip": (lambda data: gzip.compress(gzip.compress(data)), ("gzip", "gzip")),
}


@pytest.mark.parametrize("name", WRAPPINGS)
def test_plain_dumps_come_out_of_their_wrapping(production15: Production, tmp_path: Path, name: str) -> None:
    """The name of the file doesn't matter."""
    plain = (production15.folder / "plain.sql").read_bytes()
    wrap, wrapping = WRAPPINGS[name]
    path = tmp_path / "whatever"
    path.write_bytes(wrap(plain))
    info = dump.inspect(path, workdir=tmp_path)

    assert (info.form, info.wrapping) == ("plain", wrapping)
    assert info.need.major == 15
    with source.open_script(Path(info.payload)) as stream:
        texts = [item.text.replace(b"\r\n", b"\n") for item in Scanner(stream)]
    assert texts == [item.text for item in Scanner(io.BytesIO(plain))]


def render_export(production: Production, folder: Path) -> Path:
    """Write what Render's dashboard gives: a directory archive two levels down in a .dir.tar.gz."""
    path = folder / "2026-11-22T10:00Z.dir.tar.gz"
    path.write_bytes(gzip.compress(tarred(production.folder / "directory", "2026-11-22T10:00Z/shop_x1y2")))
    return path


def test_renders_export_is_restored(production15: Production, restore: Restore, tmp_path: Path) -> None:
    """As it comes from the dashboard."""
    restored = restore(render_export(production15, tmp_path), on=production15.cluster)

    assert restored.version_tables[0].rows == ("abc123",)
    assert restored.rows_left_out == {"app.users", "app.orders", "app.events_2024"}


def archives(production: Production, folder: Path) -> dict[str, tuple[Path, DumpInfo]]:
    """Return archives in all that they may lie in."""
    custom = (production.folder / "custom.dump").read_bytes()
    directory = production.folder / "directory"
    contents = {
        "custom in gzip": gzip.compress(custom),
        "custom in zip": zipped("x.dump", custom),
        "tar in gzip": gzip.compress((production.folder / "archive.tar").read_bytes()),
        "directory in tar": tarred(directory, "backup"),
        "directory at the top of a tar": tarred(directory, "."),
        "custom in tar.gz": gzip.compress(tarred(production.folder / "custom.dump", "x/y.dump")),
        "sql in tar.gz": gzip.compress(tarred(production.folder / "plain.sql", "y.sql")),
    }
    found = {}
    for name, data in contents.items():
        work = folder / name.replace(" ", "-")
        work.mkdir()
        (work / "given").write_bytes(data)
        found[name] = (work, dump.inspect(work / "given", workdir=work))
    return found


def test_archives_come_out_of_their_wrapping(production15: Production, tmp_path: Path) -> None:
    """They end on disk, since pg_restore jumps back and forth in them."""
    found = {name: (info.form, info.wrapping) for name, (_, info) in archives(production15, tmp_path).items()}

    assert found == {
        "custom in gzip": ("custom", ("gzip",)),
        "custom in zip": ("custom", ("zip",)),
        "tar in gzip": ("directory", ("gzip", "tar")),
        "directory in tar": ("directory", ("tar",)),
        "directory at the top of a tar": ("directory", ("tar",)),
        "custom in tar.gz": ("custom", ("gzip", "tar")),
        "sql in tar.gz": ("plain", ("gzip", "tar")),
    }


def test_unpacked_archives_are_restored(production15: Production, restore: Restore, tmp_path: Path) -> None:
    """An archive that lost its place on the way is still whole."""
    for name, (work, _) in archives(production15, tmp_path).items():
        restored = restore(work / "given", on=production15.cluster, dbname=f"from {name}")

        assert restored.version_tables[0].rows == ("abc123",), name


def test_an_unpacked_export_is_found_in_its_folders(production15: Production, tmp_path: Path) -> None:
    """Someone may have unpacked it before."""
    with tarfile.open(render_export(production15, tmp_path)) as archive:
        archive.extractall(tmp_path / "out", filter="data")

    assert dump.inspect(tmp_path / "out", workdir=tmp_path).form == "directory"


def test_a_dump_can_come_through_a_pipe(production15: Production, tmp_path: Path) -> None:
    """As in --dump <(ssh db pg_dump shop): it is read once only."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = (production15.folder / "custom.dump").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    info = dump.inspect(pipe, workdir=tmp_path)
    writer.join()

    assert (info.form, info.dbname) == ("custom", "shop")


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "lz4", "zstd", "zip"])
def test_a_cut_off_wrapping_is_said_to_be(
    production15: Production, restore: Restore, tmp_path: Path, name: str
) -> None:
    """Every compression notices it, at the latest when it is read to the end."""
    whole = WRAPPINGS[name][0]((production15.folder / "plain.sql").read_bytes())
    path = tmp_path / "dump"
    path.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(DumpError, match="cut off") as caught:
        restore(path, on=production15.cluster)
    assert "pipefail" in caught.value.fix


@pytest.mark.parametrize(
    ("number", "suffix", "compress"),
    [
        (2, "lz4", lz4.frame.compress),
        (3, "zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_archives_that_no_pg_restore_here_decompresses(
    production18: Production,
    restore: Restore,
    tmp_path: Path,
    number: int,
    suffix: str,
    compress: Callable[[bytes], bytes],
) -> None:
    """pg_dump -Fd -Z zstd: the builds in wheels know gzip only. It is made plainer on the way."""
    folder = tmp_path / "archive"
    shutil.copytree(production18.folder / "directory", folder)
    for path in folder.glob("*.dat.gz"):
        path.with_suffix(f".{suffix}").write_bytes(compress(gzip.decompress(path.read_bytes())))
        path.unlink()
    head = bytearray((folder / "toc.dat").read_bytes())
    head[11] = number
    (folder / "toc.dat").write_bytes(head)
    restored = restore(folder, on=production18.cluster, include_data=["orders", "users"])

    assert restored.version_tables[0].rows == ("abc123",)
    assert restored.rows_left_out == {"app.events_2024"}


def test_a_compression_that_no_pg_restore_here_knows(
    production18: Production, restore: Restore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_dump -Fc -Z zstd, where there are only builds that know gzip."""
    monkeypatch.setattr(programs, "_FOLDERS", ())
    monkeypatch.setenv("PATH", "/nowhere")
    data = bytearray((production18.folder / "custom.dump").read_bytes())
    data[11] = 3
    (tmp_path / "dump").write_bytes(data)

    with pytest.raises(DumpError, match="no pg_restore here reads zstd archives"):
        restore(tmp_path / "dump", on=production18.cluster)
