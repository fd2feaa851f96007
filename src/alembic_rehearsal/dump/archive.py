"""An archive of pg_dump turned into SQL by pg_restore, without the rows that nobody asked for."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic_rehearsal import proc
from alembic_rehearsal.dump import names, refuse, toc, tools, wanted
from alembic_rehearsal.dump.blocks import RowProbe
from alembic_rehearsal.dump.layers import Layer, file_layer
from alembic_rehearsal.errors import DumpError, ProcessFailed

_LARGE_OBJECTS = "large objects were left out"
# What never goes through pg_restore, with what the report says of it.
_NEVER = {
    "BLOB": _LARGE_OBJECTS,
    "BLOBS": _LARGE_OBJECTS,
    "BLOB METADATA": _LARGE_OBJECTS,
    "STATISTICS DATA": "",
    "SUBSCRIPTION": "subscription {} was left out: it would connect to its publisher",
    "SUBSCRIPTION TABLE": "",
}
_PIPED_COMPRESSIONS = (toc.Compression.LZ4, toc.Compression.ZSTD)


@dataclass(frozen=True, slots=True)
class Selection:
    """What of an archive is restored.

    Attributes:
        keep: dump ids of all entries that go through pg_restore, in order.
        rows: those of them that are rows.
        left_out: tables whose rows exist and stay behind.
        known_empty: tables that have no row in production.
        notes: what else was left out.
    """

    keep: tuple[int, ...]
    rows: tuple[int, ...]
    left_out: frozenset[str]
    known_empty: frozenset[str]
    notes: tuple[str, ...]


def read_toc(payload: Path, form: str) -> toc.Toc:
    """Return an archive's table of contents."""
    if form == "directory":
        return toc.read(payload / "toc.dat", custom=False)
    return toc.read(payload, custom=form == "custom", start=512 if form == "tar" else 0)


def select(contents: toc.Toc, payload: Path, form: str, include: Sequence[str]) -> Selection:
    """Choose the entries to restore: everything but rows, and of rows those of version tables and of `include`."""
    version_tables = {
        (one.namespace, one.tag)
        for one in contents.entries
        if one.desc == "TABLE" and wanted.is_version_table(names.raw_bytes(one.definition))
    }
    keep: list[int] = []
    rows: list[int] = []
    probe = RowProbe(contents, payload, form)
    left_out: set[str] = set()
    known_empty: set[str] = set()
    notes: dict[str, None] = {}
    for entry in contents.entries:
        if entry.desc in _NEVER:
            note = _NEVER[entry.desc]
            if note:
                notes[note.format(names.quote(entry.tag))] = None
            continue
        if entry.desc == "TABLE DATA":
            table = (entry.namespace, entry.tag)
            is_version = table in version_tables or wanted.has_version_column(entry.tag, entry.copy_statement)
            filled = is_version or not probe.empty(entry.dump_id)
            if not is_version and not names.matches(table, include):
                (left_out if filled else known_empty).add(names.dotted(table))
                continue
            rows.append(entry.dump_id)
        keep.append(entry.dump_id)
    return Selection(tuple(keep), tuple(rows), frozenset(left_out), frozenset(known_empty), tuple(notes))


@contextmanager
def open_script(contents: toc.Toc, payload: Path, selection: Selection, workdir: Path) -> Iterator[Layer]:
    """Open the SQL that pg_restore makes of the chosen entries, as if it were a dump with --create.

    Raises:
        DumpError: no pg_restore here reads it, or it is damaged.
    """
    tool = _able(contents, payload, selection, workdir)
    argv = _command(tool, payload, selection.keep, workdir / "restore.list")
    errors = workdir / "pg_restore.log"
    with errors.open("wb") as stderr:
        child = proc.spawn(argv, env=_environment(), stdout=subprocess.PIPE, stderr=stderr)
    try:
        assert child.stdout is not None, "a pipe was asked for"
        yield file_layer(_Checked(child, errors))  # type: ignore[arg-type]  # only read is called
    finally:
        child.stop(0)


class _Checked:
    """pg_restore's output, whose end counts only with its status."""

    def __init__(self, child: proc.Child, errors: Path) -> None:
        self._child = child
        self._errors = errors

    def read(self, size: int = -1, /) -> bytes:
        """Return some of it.

        Raises:
            DumpError: pg_restore failed.
        """
        assert self._child.stdout is not None, "a pipe was asked for"
        data = self._child.stdout.read(size)
        if not data and self._child.wait(60) != 0:
            raise _failed(self._errors.read_text(errors="replace"))
        return data


def _able(contents: toc.Toc, payload: Path, selection: Selection, workdir: Path) -> tools.PgRestore:
    """Return the newest pg_restore that can also decompress the rows: builds without lz4 or zstd are common."""
    found = tools.for_archive(contents.version)
    if contents.compression not in _PIPED_COMPRESSIONS or not selection.rows:
        return found[0]
    said = ""
    for tool in found:
        argv = _command(tool, payload, selection.rows[:1], workdir / "probe.list", out=os.devnull)
        try:
            proc.run(argv, env=_environment(), timeout_s=60)
        except ProcessFailed as error:
            said = said or error.stderr
        else:
            return tool
    method = contents.compression.name.lower()
    raise DumpError(
        f"no pg_restore here reads {method} archives: {_first_line(said)}",
        fix="Install the client package of your distribution (postgresql-client), or dump with --compress=gzip.",
    )


def _command(tool: tools.PgRestore, payload: Path, ids: Sequence[int], listing: Path, out: str = "-") -> list[str]:
    listing.write_text("".join(f"{one};\n" for one in ids))
    return [str(tool.path), "--create", f"--file={out}", f"--use-list={listing}", str(payload)]


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


def _failed(stderr: str) -> DumpError:
    return refuse.truncated(f"pg_restore can't read the archive to its end ({_first_line(stderr)})")


def _first_line(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.strip()]
    return lines[0].removeprefix("pg_restore: error: ") if lines else "it gave no reason"
