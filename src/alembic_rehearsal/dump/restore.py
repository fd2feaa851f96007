"""A dump becomes a database on the throw-away server that is like production's, but for the rows."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from alembic_rehearsal.dump import archive, findings, finish, plainer, source
from alembic_rehearsal.dump.faults import Place
from alembic_rehearsal.dump.layers import Layer
from alembic_rehearsal.dump.replay import Replay
from alembic_rehearsal.dump.script import Scanner
from alembic_rehearsal.dump.section import Section
from alembic_rehearsal.dump.server import RESTORER, Server
from alembic_rehearsal.dump.session import connect
from alembic_rehearsal.errors import DumpError, ServerError
from alembic_rehearsal.model import DumpInfo, Endpoint, Restored

_DEFAULT_NAME = "rehearsal"


def restore(
    info: DumpInfo,
    admin: Endpoint,
    *,
    workdir: Path,
    dbname: str | None = None,
    include_data: Sequence[str] = (),
    progress: Callable[[str], None] | None = None,
) -> Restored:
    """Restore the schema, the rows of version tables and those of `include_data`, and say what there is now.

    `admin` is a superuser of a server that nothing was restored to before. A dump of several databases needs
    `dbname` to say which one is meant, unless only one has a version table; else it names the database.

    Raises:
        DumpError: the dump is damaged, holds no table, or a statement failed; the first one is named.
    """
    job = _Job(info, admin, workdir, tuple(include_data), progress or (lambda _line: None))
    return job.run(dbname)


@dataclasses.dataclass(frozen=True, slots=True)
class _Job:
    info: DumpInfo
    admin: Endpoint
    workdir: Path
    include: tuple[str, ...]
    progress: Callable[[str], None]

    def run(self, dbname: str | None) -> Restored:
        place = Place("the dump" if self.info.form == "plain" else "pg_restore's SQL of the dump")
        server = _server(self.admin, place)
        try:
            # A dump that says which database it is of is taken whole, and renamed.
            only = dbname if self.info.dbname is None else None
            replay, selection = self._play(server, place, only=only, first=self.info.dbname or dbname)
            if only and not any(one.opened for one in replay.sections.values()):
                if len(replay.passed_over) > 1:
                    raise _which(sorted(replay.passed_over), f"none of them is called {dbname}")
                # The only database there is, under another name than production's.
                [only] = replay.passed_over or {only}
                replay, selection = self._play(server, place, only=only, first=only)
            section, contents = self._choose(server, replay, dbname)
            server.databases.drop(but=section.name)
            if dbname and section.name != dbname:
                server.databases.rename(section.name, dbname)
            return self._finish(server, replay, section, contents, selection)
        except BaseException:  # a signal too: the server may be somebody else's, and outlive this process
            with contextlib.suppress(psycopg2.Error):
                server.databases.drop()
            raise
        except psycopg2.Error as error:
            said = error.diag.message_primary or str(error).strip()
            raise ServerError(f"the throw-away server refused with SQLSTATE {error.pgcode}: {said}") from error
        finally:
            server.close()

    def _play(
        self, server: Server, place: Place, *, only: str | None, first: str | None
    ) -> tuple[Replay, archive.Selection | None]:
        replay = Replay(
            server,
            self.admin,
            place,
            first=first or _DEFAULT_NAME,
            only=only,
            include=self.include,
            progress=self.progress,
        )
        try:
            with self._script() as (stream, selection):
                replay.run(Scanner(stream))
        finally:
            server.take_rights_back()
        return replay, selection

    @contextmanager
    def _script(self) -> Iterator[tuple[Layer, archive.Selection | None]]:
        payload = Path(self.info.payload)
        if self.info.form == "plain":
            with source.open_script(payload) as stream:
                yield stream, None
            return
        contents = archive.read_toc(payload, self.info.form)
        selection = archive.select(contents, payload, self.info.form, self.include)
        if plainer.applies(contents, self.info.form):
            payload = plainer.copy(contents, payload, selection.rows, self.workdir / "plainer")
            contents = archive.read_toc(payload, self.info.form)
        with archive.open_script(contents, payload, selection, self.workdir) as stream:
            yield stream, selection

    def _choose(self, server: Server, replay: Replay, dbname: str | None) -> tuple[Section, findings.Contents]:
        """Return the database to rehearse on."""
        candidates = []
        for section in replay.sections.values():
            actual = server.databases.actual(section.name)
            if section.opened and actual is not None:
                contents = self._look(actual)
                if contents.table_count:
                    candidates.append((section, contents))
        if not candidates:
            raise DumpError(
                "the dump holds no table, so there is nothing to migrate",
                fix="Dump the database itself, with its schema:\n"
                '    pg_dump --create --schema-only "$DATABASE_URL" > production.sql',
            )
        with_version = [one for one in candidates if one[1].version_tables]
        chosen = [one for one in candidates if one[0].name == dbname] or with_version or candidates
        if len(chosen) > 1:
            what = "each has a version table" if with_version else "none has a version table"
            raise _which([section.name for section, _ in chosen], what)
        return chosen[0]

    def _look(self, dbname: str) -> findings.Contents:
        connection = connect(self.admin, dbname)
        try:
            return findings.look(connection)
        finally:
            connection.close()

    def _finish(
        self,
        server: Server,
        replay: Replay,
        section: Section,
        contents: findings.Contents,
        selection: archive.Selection | None,
    ) -> Restored:
        dbname = server.databases.ensure(section.name)
        rules = section.rules
        connection = connect(self.admin, dbname)
        try:
            if not rules.owners_known or contents.owner == RESTORER:
                finish.give_to_one_role(connection, server, self.admin)
                contents = findings.look(connection)
            owner = server.databases.owners.get(section.name) if rules.owners_known else None
            owner = owner or contents.owner
            server.databases.set_owner(section.name, owner)
            finish.give_extensions(connection, owner)
        finally:
            connection.close()
        kept_back = selection or archive.Selection((), (), frozenset(), frozenset(), ())
        notes = [*replay.notes, *kept_back.notes, *server.databases.notes]
        notes += finish.refresh(self.admin, dbname, self.progress)
        notes += finish.event_triggers(section, self.admin, dbname)
        unmatched = (one for one in self.include if one not in rules.rows.matched)
        notes += [f"--include-data {one}: the dump has no rows of such a table" for one in unmatched]
        return Restored(
            dbname=dbname,
            owners_known=rules.owners_known,
            owner=owner,
            version_tables=contents.version_tables,
            table_count=contents.table_count,
            rows_left_out=frozenset(rules.rows.left_out) | kept_back.left_out,
            known_empty=frozenset(rules.rows.known_empty) | kept_back.known_empty,
            notes=tuple(notes),
            owner_known=section.name in server.databases.owners,
        )


def _server(admin: Endpoint, place: Place) -> Server:
    try:
        return Server(admin, place)
    except psycopg2.Error as error:
        raise ServerError(
            f"{admin.user} can't make roles on this server: SQLSTATE {error.pgcode}: {error.diag.message_primary}",
            fix="A restore with owners and grants needs a superuser, on a server that is only for this.",
        ) from error


def _which(found: Sequence[str], why: str) -> DumpError:
    return DumpError(
        f"the dump holds several databases, {', '.join(found)}, and {why}",
        fix=f"Say which one: --database-name {found[0]}",
    )
