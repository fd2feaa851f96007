"""Builds the history from base on a server of its own: migrations can make roles, which belong to the server.

It is under way while the survey is: the command is started early, as in `gate`, and waits in the probe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import psycopg2

from alembic_rehearsal import locks, ports, postgres, rehearse
from alembic_rehearsal.catalog import FACTS_SQL, SEARCH_PATH, Key
from alembic_rehearsal.connect import connected
from alembic_rehearsal.errors import RehearsalError
from alembic_rehearsal.history import cache, furnish
from alembic_rehearsal.history.records import Change, History, changes_of
from alembic_rehearsal.lab import Lab
from alembic_rehearsal.model import Endpoint, Project, Trace
from alembic_rehearsal.platforms import PLATFORMS
from alembic_rehearsal.sqlstate import condition

_READY_S = 60.0


class Builder(Protocol):
    """A build from base, under way or known already."""

    def finish(self) -> History:
        """Wait for its end and return it. It never raises: what kept it from its end is its `why`."""


@dataclass(frozen=True, slots=True)
class Known:
    """One that an earlier run has built from the same revisions, or that can't be built here."""

    history: History

    def finish(self) -> History:
        """Return it."""
        return self.history


@dataclass(frozen=True, slots=True)
class _Build:
    """One that is being built.

    Attributes:
        key: of the cache.
        directory: of the commands' exchange, one folder a try.
    """

    key: str
    target: Project
    lab: Lab
    cluster: postgres.Cluster
    running: rehearse.Rehearsal
    directory: Path
    overlay: Mapping[str, Path] | None = None

    def finish(self) -> History:
        """Wait for its end; try once more with production's schemas and extensions if those were missing."""
        try:
            return self._finished()
        except (RehearsalError, psycopg2.Error) as error:
            return _impossible(error)

    def release(self) -> None:
        """Let the command go on to an empty database.

        Raises:
            RehearsalError, psycopg2.Error: the server isn't there, or refuses.
        """
        self.cluster.ready(_READY_S)
        furnish.empty(self.cluster, self.lab, like_production=False)
        self.running.release(self._endpoint())

    def _finished(self) -> History:
        trace = self._watch(self.running)
        built = self._history(trace, furnished=False)
        if not built.complete and _lacks(trace):
            furnish.empty(self.cluster, self.lab, like_production=True)
            endpoint = self._endpoint()
            beside = self.cluster.container
            with _command(self.target, self.lab, endpoint, self.directory / "again", beside, self.overlay) as again:
                again.release(endpoint)
                trace = self._watch(again)
                second = self._history(trace, furnished=True)
                built = second if second.complete or len(second.changes) > len(built.changes) else built
        if trace.exit_status is not None and not self.overlay:
            cache.store(self.key, built, cache.sources_of(trace, self.target))
        return built

    def _endpoint(self) -> Endpoint:
        return self.cluster.endpoint(self.lab.restored.dbname, user=self.lab.migrator.role, password=self.lab.password)

    def _watch(self, running: rehearse.Rehearsal) -> Trace:
        return running.finish(
            timeout_s=self.lab.options.timeout,
            waiting_on=lambda: locks.waiting_on(self._admin()),
            log=lambda: self.cluster.log(0)[0],
        )

    def _admin(self) -> Endpoint:
        return replace(self.cluster.admin, dbname=self.lab.restored.dbname)

    def _history(self, trace: Trace, *, furnished: bool) -> History:
        changes = changes_of(trace.schema)
        complete = trace.exit_status == 0 and bool(trace.contexts)
        if complete:
            last = _rest(History(changes, complete), _rows(self._admin()))
            changes = (*changes, last) if last.changed or last.gone else changes
        return History(changes, complete, "" if complete else _why(trace), furnished)


@contextmanager
def begin(
    target: Project, lab: Lab, directory: Path, *, overlay: Mapping[str, Path] | None = None, anew: bool = False
) -> Iterator[Builder]:
    """Start to build the history of *target* on a server like *lab*'s, unless it is known.

    Args:
        target: the project, with the command that upgrades to the heads.
        lab: for the empty database's name, roles and settings, which are production's.
        directory: new directory of the build.
        overlay: as in `rehearse.start`; a build with it is neither looked up nor kept.
        anew: build it although it is known.
    """
    offer = lab.cluster.offer
    if offer.provider == "server":
        yield Known(History((), complete=False, why="a server that was given by its URL is not used for it"))
        return
    key = cache.key_of(target, offer, furnish.taken_over(lab))
    known = None if overlay or anew else cache.load(key)
    if known is not None:
        yield Known(known)
        return
    with ExitStack() as stack:
        try:
            builder: Builder = _under_way(stack, target, lab, directory, key, overlay)
        except (RehearsalError, psycopg2.Error) as error:
            # What explains a failure must never be what fails.
            builder = Known(_impossible(error))
        yield builder


def _under_way(
    stack: ExitStack, target: Project, lab: Lab, directory: Path, key: str, overlay: Mapping[str, Path] | None
) -> _Build:
    directory.mkdir(mode=0o755)
    port = ports.pick()
    placeholder = Endpoint("127.0.0.1", port, rehearse.PLACEHOLDER, "rehearsal", lab.password)
    server = postgres.start(
        lab.cluster.offer,
        workdir=directory,
        port=port,
        password=lab.password,
        trusted=PLATFORMS.get(target.platform, frozenset()),
        expected_bytes=0,
    )
    if target.image is None:
        running = stack.enter_context(_command(target, lab, placeholder, directory / "first", overlay=overlay))
        cluster = stack.enter_context(server)
    else:
        # It shares the network of the server's container, so that has to be there.
        cluster = stack.enter_context(server)
        beside = cluster.container
        running = stack.enter_context(
            _command(target, lab, placeholder, directory / "first", beside=beside, overlay=overlay)
        )
    build = _Build(key, target, lab, cluster, running, directory, overlay)
    build.release()
    return build


def _command(
    target: Project,
    lab: Lab,
    endpoint: Endpoint,
    directory: Path,
    beside: str = "",
    overlay: Mapping[str, Path] | None = None,
) -> AbstractContextManager[rehearse.Rehearsal]:
    return rehearse.start(
        target,
        replace(endpoint, user=rehearse.PLACEHOLDER),
        directory=directory,
        environ=lab.environ,
        allow_ports=lab.options.allow_port,
        facts=FACTS_SQL,
        overlay=overlay,
        beside=beside,
    )


def _impossible(error: Exception) -> History:
    return History((), complete=False, why=str(error).strip().split("\n", 1)[0])


def _rest(built: History, rows: list[tuple[str, str, str]]) -> Change:
    """Return what the command did after its last revision: *rows* are the facts at its end."""
    before = built.rows(len(built.changes))
    now = {Key(kind, identity): definition for kind, identity, definition in rows}
    return Change(
        revision="",
        changed={key: text for key, text in now.items() if before.get(key) != text},
        gone=frozenset(before.keys() - now.keys()),
    )


def _rows(admin: Endpoint) -> list[tuple[str, str, str]]:
    with connected(admin) as connection, connection.cursor() as cursor:
        cursor.execute(SEARCH_PATH)
        cursor.execute(FACTS_SQL)
        return cursor.fetchall()


def _lacks(trace: Trace) -> bool:
    """Say whether the build met something missing that production may have from elsewhere."""
    states = [each.error.sqlstate for each in trace.failures if each.error is not None]
    return bool(states) and condition(states[-1]).kind in ("undefined", "privilege", "extension")


def _why(trace: Trace) -> str:
    if trace.exit_status is None:
        return "it ran out of time"
    if not trace.failures:
        return f"the command ended with status {trace.exit_status}"
    last = trace.failures[-1]
    revision = f"revision {last.revision}: " if last.revision else ""
    return f"{revision}{last.text.strip().splitlines()[0] if last.text.strip() else last.type}"
