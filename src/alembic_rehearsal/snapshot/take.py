"""Takes a snapshot: schema, version rows, roles and settings as one transaction of production saw them."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from alembic_rehearsal import __version__
from alembic_rehearsal.errors import SnapshotError
from alembic_rehearsal.programs import Program
from alembic_rehearsal.snapshot import address as addresses
from alembic_rehearsal.snapshot import bridge, catalog, output, pgdump, production, roles
from alembic_rehearsal.snapshot.address import Address
from alembic_rehearsal.snapshot.catalog import Facts, Revisions
from alembic_rehearsal.snapshot.redact import Redactor

_SIGN = "-- alembic-rehearsal: "
_TRIES = 2


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot that was taken.

    Attributes:
        notes: sentences on what is in it, what isn't, and what was removed.
    """

    server_version: str
    revisions: Revisions
    removed: int
    notes: tuple[str, ...]


class _MovedError(Exception):
    """A deploy changed the revision while the snapshot was taken."""

    def __init__(self, before: Revisions, after: Revisions) -> None:
        super().__init__(f"production's revision moved from {_shown(before)} to {_shown(after)}")


def take(url: str, target: Path, *, workdir: Path, progress: Callable[[str], None] | None = None) -> Taken:
    """Write a snapshot of the database at `url` to `target`, once more if a deploy came in between.

    Raises:
        SnapshotError: production can't be read, or its revision moved each time.
        UsageError: the URL or the file's name won't do.
    """
    address = addresses.parse(url)
    output.check(target)
    tell = progress or (lambda _line: None)
    for attempt in range(_TRIES):
        try:
            return _Attempt(address, target, workdir, tell).run()
        except _MovedError as moved:
            if attempt == _TRIES - 1:
                message = f"{moved} while the snapshot was taken, for the second time"
                raise SnapshotError(message, fix="Take it when the deploy is done.") from None
            tell(f"{moved} meanwhile: once more")
    raise AssertionError


@dataclass(frozen=True, slots=True)
class _Attempt:
    address: Address
    target: Path
    workdir: Path
    tell: Callable[[str], None]

    def run(self) -> Taken:
        self.tell("connecting to production")
        redactor = Redactor()
        with production.session(self.address) as connection:
            [(snapshot, version)] = production.ask(
                connection,
                "SELECT pg_catalog.pg_export_snapshot(), pg_catalog.current_setting('server_version')",
            )
            facts = catalog.read(connection)
            able = pgdump.choose(connection.server_version)
            with output.written(self.target) as out:
                for line in _header(facts, version):
                    out.write(f"{line}\n".encode())
                for statement in roles.statements(connection):
                    out.write(redactor.statement(f"{statement}\n".encode()))
                try:
                    program = self._dump(connection, able, snapshot, facts, redactor, out)
                except pgdump.PgDumpFailed:
                    # A table that a migration drops at this moment can't be dumped.
                    self._require_unmoved(facts)
                    raise
                self._require_unmoved(facts)
                out.write(f"{_SIGN}end of snapshot\n".encode())
        return Taken(version, facts.revisions, redactor.removed.total(), tuple(_notes(facts, redactor, program)))

    @contextmanager
    def _program(self, connection: Any, able: Sequence[Program]) -> Iterator[tuple[Program, dict[str, str]]]:
        """Yield the pg_dump to use and its environment; what the tool's own session encrypts, pg_dump's does too."""
        options = production.options(self.address, standard_conforming_strings="on")
        environment = self.address.environment(connection, options)
        # Bytes of no known encoding can't be turned into another, and pg_dump would fail at the first that isn't UTF-8.
        unknown = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
        environment["PGCLIENTENCODING"] = "SQL_ASCII" if unknown else "UTF8"
        if not connection.info.ssl_in_use:
            yield able[0], environment
            return
        for program in able:
            if pgdump.can_encrypt(program):
                yield program, environment
                return
        with bridge.bridged(self.address, connection, self.workdir) as variables:
            yield able[0], environment | variables

    def _dump(
        self, connection: Any, able: Sequence[Program], snapshot: str, facts: Facts, redactor: Redactor, out: IO[bytes]
    ) -> Program:
        common = [f"--snapshot={snapshot}", f"--lock-wait-timeout={production.LOCK_WAIT_MS}"]
        log = self.workdir / "pg_dump.log"
        schema = [*common, "--schema-only", "--create", "--no-subscriptions"]
        rows = [*common, "--data-only", *(f"--table={_pattern(*table)}" for table in facts.revisions)]
        with self._program(connection, able) as (program, environment):
            self.tell("dumping the schema")
            with pgdump.output(program, schema, environment, self.address, log) as stream:
                for piece in redactor.stream(stream):
                    out.write(piece)
            if facts.revisions:
                self.tell("dumping the version rows")
                with pgdump.output(program, rows, environment, self.address, log) as stream:
                    shutil.copyfileobj(stream, out)
        return program

    def _require_unmoved(self, facts: Facts) -> None:
        """Compare with what a new transaction sees.

        Raises:
            _MovedError: it sees another revision.
        """
        with production.session(self.address) as connection:
            now = catalog.revisions(connection)
        if now != facts.revisions:
            raise _MovedError(facts.revisions, now)


def _header(facts: Facts, version: str) -> Iterator[str]:
    now = datetime.datetime.now(datetime.timezone.utc)
    yield f"{_SIGN}snapshot by version {__version__}"
    yield f"{_SIGN}taken at {now:%Y-%m-%dT%H:%M:%SZ}"
    yield f"{_SIGN}server {_line(version)}"
    for (schema, name), rows in facts.revisions.items():
        yield f"{_SIGN}revision {_line(', '.join(rows) or 'none')} in {_line(schema)}.{_line(name)}"
    yield from (f"{_SIGN}invalid index {_line(index)}" for index in facts.invalid)


def _notes(facts: Facts, redactor: Redactor, program: Program) -> Iterator[str]:
    yield f"schema and version rows by pg_dump {program.major}, at revision {_shown(facts.revisions)}"
    if not facts.revisions:
        yield "no version table was found: rehearse it with --at REVISION, or --at base if it was never stamped"
    for kind, count in sorted(redactor.removed.items()):
        yield f"secrets removed: {count} in {kind}s"
    for name in facts.subscriptions:
        yield f"left out: subscription {_line(name)}, with its connection string"
    for index in facts.invalid:
        yield f"only named in a comment: invalid index {_line(index)}"


def _shown(revisions: Revisions) -> str:
    return "; ".join(", ".join(rows) or "none" for rows in revisions.values()) or "none"


def _line(text: str) -> str:
    """Return a name that can't end its comment."""
    return " ".join(text.split())


def _pattern(schema: str, name: str) -> str:
    """Return pg_dump's pattern for one table: within double quotes nothing is special.

    Source: https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-PATTERNS
    """
    return ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))
