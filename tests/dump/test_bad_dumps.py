"""A dump that can't be used ends with one clear error, and leaves nothing on the server."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from fix_dumps import Production, Restore, query

from alembic_rehearsal import dump, programs
from alembic_rehearsal.dump import toc, tools, unpack
from alembic_rehearsal.errors import DumpError
from alembic_rehearsal.postgres import Cluster

TABLE = "CREATE TABLE public.alembic_version (version_num character varying(32) NOT NULL);\n"


def refused(content: bytes, folder: Path) -> DumpError:
    """Return the error that a file with this content is refused with."""
    path = folder / "given"
    path.write_bytes(content)
    with pytest.raises(DumpError) as caught:
        dump.inspect(path, workdir=folder)
    return caught.value


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_an_empty_file_names_the_version_mismatch(tmp_path: Path, content: bytes) -> None:
    """That is what an old pg_dump leaves behind."""
    error = refused(content, tmp_path)

    assert "is empty" in str(error)
    assert "older than the server" in error.fix


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (b"age-encryption.org/v1\n-> X25519 abc\n", "age"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n", "age"),
        (b"-----BEGIN PGP MESSAGE-----\n\nabc", "OpenPGP"),
        (b"\x85\x01\x0c\x03\x12\x34\x56\x78\x9a\xbc\xde\xf0\x01\x02", "OpenPGP"),
        (b"\x8c\x0d\x04\x09\x03\x02\x12\x34\x56\x78\x9a\xbc\xde\xf0", "OpenPGP"),
        (b"Salted__\x12\x34\x56\x78\x9a\xbc\xde\xf0", "openssl"),
    ],
)
def test_an_encrypted_file_is_named_so(tmp_path: Path, content: bytes, how: str) -> None:
    """With the command that decrypts it."""
    error = refused(content, tmp_path)

    assert f"encrypted {'by' if how == 'openssl' else 'with'} {how}" in str(error)
    assert "Decrypt it first" in error.fix


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html>", "web page"),
        (b'{"error": "not found"}', "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:abc", "git lfs pull"),
        (b"SQLite format 3\0\x10\0", "SQLite"),
        (b"-- MySQL dump 10.13\n", "MySQL"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "binary file"),
        (b"Dear reader,\nthis is a letter.\n", "Dear reader"),
        (b"-- only a comment\n", "comments"),
        (b"pg_dump: error: connection failed\n", "messages"),
    ],
)
def test_another_file_is_no_dump(tmp_path: Path, content: bytes, what: str) -> None:
    """What it is instead, where it can be told."""
    error = refused(content, tmp_path)

    assert "not a dump" in str(error)
    assert what in str(error)


def test_a_missing_file_is_one_error(tmp_path: Path) -> None:
    """No traceback."""
    with pytest.raises(DumpError, match="No such file"):
        dump.inspect(tmp_path / "nowhere", workdir=tmp_path)


def test_a_data_directory_is_no_dump(tmp_path: Path) -> None:
    """Nor is any other folder."""
    (tmp_path / "base").mkdir()
    with pytest.raises(DumpError, match=r"without a toc\.dat"):
        dump.inspect(tmp_path / "base", workdir=tmp_path)

    error = refused(tar_of({"base/PG_VERSION": b"15", "base/x": b""}), tmp_path)
    assert "pg_basebackup" in str(error)


@pytest.mark.parametrize("form", ["custom.dump", "archive.tar", "directory"])
def test_an_archive_cut_off_in_its_contents(production15: Production, tmp_path: Path, form: str) -> None:
    """The table of contents is read before anything is started."""
    source = production15.folder / form
    data = (source / "toc.dat" if source.is_dir() else source).read_bytes()
    path = tmp_path / "toc.dat"
    path.write_bytes(data[:9000])

    with pytest.raises(DumpError, match="cut off"):
        dump.inspect(tmp_path if source.is_dir() else path, workdir=tmp_path)


def test_an_archive_cut_off_in_its_rows(production15: Production, restore: Restore, tmp_path: Path) -> None:
    """pg_restore's own words are the evidence."""
    data = (production15.folder / "custom.dump").read_bytes()
    contents = toc.read(production15.folder / "custom.dump", custom=True)
    path = tmp_path / "dump"
    path.write_bytes(data[: contents.end + 5])

    with pytest.raises(DumpError, match="cut off: pg_restore"):
        restore(path, on=production15.cluster)


def test_an_archive_newer_than_any_pg_restore(
    production18: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which version reads it, which one is here, and where to get one."""
    monkeypatch.setattr(programs, "_WHEELS", ())
    monkeypatch.setattr(programs, "_FOLDERS", ("/usr/lib/postgresql/15/bin",))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DumpError, match=r"format 1\.16 needs pg_restore 17 or later") as caught:
        tools.for_archive(toc.version(production18.folder / "custom.dump"))

    assert "embedded" in caught.value.fix


def test_an_archive_of_an_unknown_format(production18: Production, tmp_path: Path) -> None:
    """Its own pg_restore makes SQL of it."""
    data = bytearray((production18.folder / "custom.dump").read_bytes())
    data[6] = 99

    assert "1.99 isn't known" in str(refused(bytes(data), tmp_path))


@pytest.mark.parametrize(
    "statement",
    [
        "\\! touch {}",
        "\\copy t from program 'touch {}'",
        "\\set x `touch {}`",
        "\\o |touch {}",
        "SELECT 1 \\g |touch {}",
        "SELECT 1\n\\! touch {}\n;",
        "\\connect x\\! touch {}",
        "COPY public.alembic_version FROM PROGRAM 'touch {}';",
        "copy public.alembic_version from program 'touch {}';",
        "/* x */ COPY public.alembic_version TO PROGRAM 'touch {}';",
        "COPY (SELECT 1) TO PROGRAM 'touch {}';",
        "COPY public.alembic_version FROM '{}';",
        "COPY public.alembic_version TO '{}';",
        "COPY public.alembic_version FROM '$$PATH$$/3321.dat';",
    ],
)
def test_a_dump_that_runs_programs_is_refused(restore: Restore, tmp_path: Path, statement: str) -> None:
    """Commands for psql and COPY from and to files or programs are never executed."""
    trace = tmp_path / "trace"
    with pytest.raises(DumpError, match=r"line [23] of the dump .*pg_dump doesn't write"):
        restore(TABLE + statement.replace("{}", str(trace)) + "\n")

    assert not trace.exists()


def test_a_missing_extension_is_named(restore: Restore) -> None:
    """With the image that has it."""
    with pytest.raises(DumpError, match='needs the extension "vector"') as caught:
        restore("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;\n" + TABLE)

    assert "pgvector/pgvector:pg15" in caught.value.fix
    with pytest.raises(DumpError, match='needs the extension "made-up"') as caught:
        restore('CREATE EXTENSION "made-up";\n' + TABLE)

    assert "--postgres docker" in caught.value.fix


def test_the_first_failed_statement_is_the_one_error(cluster: Cluster, restore: Restore) -> None:
    """Line, SQLSTATE and text of the first; nothing of what follows from it."""
    script = TABLE + "CREATE TABLE public.a (id integer);\n\n-- b\nCREATE VIEW public.b AS\n SELECT * FROM public.c;\n"
    with pytest.raises(DumpError) as caught:
        restore(script + "CREATE VIEW public.d AS SELECT * FROM public.b;\n")

    assert str(caught.value).splitlines() == [
        'line 5 of the dump failed with SQLSTATE 42P01: relation "public.c" does not exist',
        "    CREATE VIEW public.b AS",
    ]
    assert query(cluster.admin, "SELECT count(*) FROM pg_database") == [(3,)]


def test_a_failed_row_is_one_error(restore: Restore) -> None:
    """COPY is named by its own line."""
    rows = "COPY public.alembic_version (version_num) FROM stdin;\nabc\tdef\n\\.\n"
    with pytest.raises(DumpError, match=r"line 2 of the dump failed with SQLSTATE 22P04"):
        restore(TABLE + rows)


@pytest.mark.parametrize("script", ["SET statement_timeout = 0;\n", "CREATE SCHEMA app;\n"])
def test_a_dump_without_tables_is_an_error(restore: Restore, script: str) -> None:
    """There is nothing to migrate."""
    with pytest.raises(DumpError, match="holds no table"):
        restore(script)


def test_rows_alone_are_an_error(restore: Restore) -> None:
    """pg_dump --data-only."""
    with pytest.raises(DumpError, match="42P01") as caught:
        restore("COPY public.alembic_version (version_num) FROM stdin;\nabc\n\\.\n")

    assert "--data-only" in caught.value.fix


def tar_of(members: dict[str, bytes], adjust: Callable[[tarfile.TarInfo], None] = lambda _: None) -> bytes:
    """Return a tar archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            adjust(info)
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return file.getvalue()


def link(info: tarfile.TarInfo) -> None:
    """Make a member a symbolic link."""
    info.type, info.linkname, info.size = tarfile.SYMTYPE, "/etc/passwd", 0


def device(info: tarfile.TarInfo) -> None:
    """Make a member a device."""
    info.type, info.size = tarfile.CHRTYPE, 0


@pytest.mark.parametrize(
    "content",
    [
        tar_of({"../evil": b"x"}),
        tar_of({"/tmp/evil": b"x"}),
        tar_of({"a/../../evil": b"x"}),
        tar_of({"toc.dat": b""}, link),
        tar_of({"toc.dat": b""}, device),
    ],
)
def test_an_archive_that_leads_elsewhere_is_refused(tmp_path: Path, content: bytes) -> None:
    """No path traversal, no links, no devices."""
    assert "leads elsewhere" in str(refused(content, tmp_path))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["given"]


def test_a_zip_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    """The same for zip archives."""
    for name, mode in (("../evil", 0), ("C:\\evil/..\\..\\toc.dat", 0), ("toc.dat", stat.S_IFLNK << 16)):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for one in (name, "other/toc.dat"):
                info = zipfile.ZipInfo(one)
                info.external_attr = mode
                archive.writestr(info, "/etc/passwd")

        assert "leads elsewhere" in str(refused(file.getvalue(), tmp_path))


def test_an_archive_that_grows_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb is stopped while it unpacks."""
    monkeypatch.setattr(unpack, "LARGEST_UNPACKED", 5 << 20)
    error = refused(tar_of({"toc.dat": b"\0" * (6 << 20)}), tmp_path)

    assert "more than 5 MiB" in str(error)
    monkeypatch.setattr(unpack, "MOST_FILES", 2)
    assert "more than 2 files" in str(refused(tar_of({"a": b"", "b": b"", "c": b""}), tmp_path))


def test_several_files_are_named(tmp_path: Path) -> None:
    """Which one is meant can't be guessed."""
    assert "2 files where one dump was expected: a.sql, b.sql" in str(
        refused(tar_of({"a.sql": b"SELECT 1;", "b.sql": b"SELECT 1;"}), tmp_path)
    )


def test_an_encrypted_zip_is_named_so(tmp_path: Path) -> None:
    """The flag is in the directory of the archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("dump.sql", "SELECT 1;")
    content = bytearray(file.getvalue())
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert "zip archive is encrypted" in str(refused(bytes(content), tmp_path))
