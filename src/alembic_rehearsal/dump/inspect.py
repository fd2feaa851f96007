"""What a dump is and what it needs, before anything is started; nothing of it is executed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from alembic_rehearsal.dump import archive, magic, names, source
from alembic_rehearsal.dump.databases import connect_target
from alembic_rehearsal.dump.names import IDENT
from alembic_rehearsal.dump.script import Copy, Meta, Scanner
from alembic_rehearsal.model import DumpInfo, Need

_I = re.IGNORECASE
_EXTENSION = re.compile(rb"CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?(" + IDENT + rb")", _I)
_DATABASE = re.compile(rb"CREATE\s+DATABASE\s+(" + IDENT + rb")", _I)
_TABLE = re.compile(rb"CREATE\s+(?:UNLOGGED\s+|FOREIGN\s+)?TABLE\s", _I)
_ICU = re.compile(rb"\b(?:LOCALE_)?PROVIDER\s*=\s*'?icu\b", _I)
_SQL = re.compile(
    rb"\\|(?:SET|SELECT|CREATE|ALTER|DROP|COPY|INSERT|COMMENT|GRANT|REVOKE|BEGIN|START|TRUNCATE|DO|RESET|UPDATE|DELETE|SECURITY)\b",
    _I,
)
_COMMENTS = re.compile(rb"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)+", re.DOTALL)
_HEAD = 64 << 10
_MAJOR = re.compile(r"(\d+)(?:\.(\d+))?")
_BUILT_IN = "plpgsql"


def inspect(path: Path, *, workdir: Path) -> DumpInfo:
    """Return what can be known of a dump; what has to be unpacked for that lies below `workdir` afterwards.

    Raises:
        DumpError: it can't be read, or is not a dump.
    """
    found = source.recognise(path, workdir)
    facts = _of_script(found.payload) if found.form == "plain" else _of_archive(found.payload, found.form)
    return DumpInfo(
        path=str(path),
        form=found.form,
        wrapping=found.wrapping,
        payload=str(found.payload),
        server_version=facts.server_version or None,
        dumped_by=facts.dumped_by or None,
        dbname=facts.dbname or None,
        need=Need(major(facts.server_version or ""), frozenset(facts.extensions) - {_BUILT_IN}, facts.icu),
        size_bytes=_size(path),
        modified_at=path.stat().st_mtime,
    )


def major(version: str) -> int | None:
    """Return the major version of "15.14 (Debian 15.14-1)" or "19beta3", None when there is none."""
    found = _MAJOR.match(version)
    return int(found[1]) if found else None


@dataclass
class _Facts:
    server_version: str | None = None
    dumped_by: str | None = None
    dbname: str | None = None
    extensions: set[str] = field(default_factory=set)
    icu: bool = False

    def learn(self, statement: bytes) -> None:
        extension = _EXTENSION.match(statement)
        if extension:
            self.extensions.add(names.unquote(extension[1]))
        database = _DATABASE.match(statement)
        if database:
            self.dbname = self.dbname or names.unquote(database[1])
        if database or statement[:16].upper() == b"CREATE COLLATION":
            self.icu = self.icu or _ICU.search(statement) is not None


def _of_archive(payload: Path, form: str) -> _Facts:
    contents = archive.read_toc(payload, form)
    facts = _Facts(contents.server_version, contents.dumped_by, contents.dbname)
    for entry in contents.entries:
        if entry.desc == "EXTENSION":
            facts.extensions.add(entry.tag)
        elif entry.desc in ("COLLATION", "DATABASE"):
            facts.learn(names.raw_bytes(entry.definition).lstrip())
    return facts


def _of_script(payload: Path) -> _Facts:
    """Read up to the first table, before which pg_dump makes all extensions; all of what pg_dumpall wrote."""
    facts = _Facts()
    with source.open_script(payload) as stream:
        _check(stream.peek(_HEAD))
        scanner = Scanner(stream)
        for item in scanner:
            if isinstance(item, Meta):
                if not scanner.cluster:
                    facts.dbname = facts.dbname or connect_target(item)
            elif not isinstance(item, Copy):
                facts.learn(item.text)
            if not scanner.cluster and (isinstance(item, Copy) or _TABLE.match(item.text)):
                break
        facts.server_version, facts.dumped_by = scanner.server_version, scanner.dumped_by
        if scanner.cluster:
            facts.dbname = None
    return facts


def _check(head: bytes) -> None:
    """Look at what comes after the comments, before a letter is taken for a statement without an end."""
    first = _COMMENTS.sub(b"", head, count=1)
    if not first and len(head) < _HEAD:
        raise magic.not_a_dump("it holds nothing but comments")
    if first and not _SQL.match(first):
        line = first.splitlines()[0][:60].decode(errors="replace")
        raise magic.not_a_dump(f"its first statement begins with {line!r}")


def _size(path: Path) -> int:
    files: Iterable[Path] = (one for one in path.rglob("*") if one.is_file()) if path.is_dir() else (path,)
    return sum(one.stat().st_size for one in files)
