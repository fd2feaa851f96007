"""The way in: the command is started at once, then everything else is done while it imports what it needs.

Most of a run is the project's own imports. The command's first connection waits in the probe, so the tool's imports,
the server's start and the restore cost next to nothing beside them.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_rehearsal import ports, rehearse, since, workdir
from alembic_rehearsal import project as projects
from alembic_rehearsal.errors import OtherOwnerError, OtherTableError, PortTaken
from alembic_rehearsal.listening import Clock, Listener
from alembic_rehearsal.model import Endpoint, Options, Project, Report

if TYPE_CHECKING:
    from alembic_rehearsal import stage

_TRIES = 4


def rehearse_upgrade(options: Options, environ: Mapping[str, str], listener: Listener) -> Report:
    """Rehearse what *options* ask for and return the report.

    Raises:
        RehearsalError: there is no verdict, for a reason that lies before the command.
    """
    listener.progress(f"looking for the project{f' in {options.app_image}' if options.app_image else ''}")
    target = projects.find(options, environ)
    if options.base:
        # Before anything is started: a run is too much for a word that was mistyped.
        since.commit_of(target.checkout, options.base)
    expected_bytes = workdir.restored_bytes(options.dump)
    with workdir.run_directory(expected_bytes=expected_bytes) as run:
        attempt = _Attempt(target, environ, run, listener, expected_bytes)
        for number in range(_TRIES):
            try:
                return attempt.report(options, run / str(number))
            except PortTaken:
                if number == _TRIES - 1:
                    raise
            except OtherOwnerError as other:
                options = replace(options, role=other.owner)
            except OtherTableError as other:
                attempt.version_table = other.table
    raise AssertionError


class _Attempt:
    """Everything on one port; what was found out before the server's start serves the next attempt too."""

    def __init__(
        self, target: Project, environ: Mapping[str, str], run: Path, listener: Listener, expected_bytes: int
    ) -> None:
        self._target = target
        self._environ = environ
        self._run = run
        self._listener = listener
        self._expected_bytes = expected_bytes
        self._clock = Clock()
        self._prepared: stage.Prepared | None = None
        self.version_table: tuple[str, str] | None = None

    def report(self, options: Options, place: Path) -> Report:
        place.mkdir(mode=0o755)
        password = secrets.token_urlsafe(18)
        given = _given_server(options)
        if given is not None:
            # Whether it may be used at all has to be known before a process gets its port opened.
            self._prepare(options)
        host, port = given or ("127.0.0.1", ports.pick())
        name = options.database_name or "rehearsal"
        placeholder = Endpoint(host, port, rehearse.PLACEHOLDER, name, password)
        with self._started(options, placeholder, place) as running:
            from alembic_rehearsal import stage

            report = stage.Stage(
                options=options,
                target=self._target,
                environ=self._environ,
                prepared=self._prepare(options),
                run=place,
                running=running,
                port=port,
                password=password,
                clock=self._clock,
                listener=self._listener,
                expected_bytes=self._expected_bytes,
                version_table=self.version_table,
            ).report()
        from alembic_rehearsal.postgres import leftovers

        return replace(report, notes=(*report.notes, *leftovers.told(place)))

    def _started(
        self, options: Options, placeholder: Endpoint, place: Path
    ) -> AbstractContextManager[rehearse.Rehearsal | None]:
        """Start the command, unless it shares the network of a container that isn't there yet."""
        if self._target.image is not None:
            return nullcontext()
        return rehearse.start(
            self._target,
            placeholder,
            directory=place / "true",
            environ=self._environ,
            allow_ports=options.allow_port,
            nursery=sys.platform == "linux",
        )

    def _prepare(self, options: Options) -> stage.Prepared:
        from alembic_rehearsal import stage

        if self._prepared is None:
            self._prepared = stage.prepare(
                options, self._target, self._environ, run=self._run, clock=self._clock, listener=self._listener
            )
        return self._prepared


def _given_server(options: Options) -> tuple[str, int] | None:
    """Return host and port of the server that --postgres names by its URL, None for the other providers."""
    if "://" not in options.postgres:
        return None
    from alembic_rehearsal.postgres import addresses

    parts = addresses.parts_of(options.postgres) or {}
    return parts.get("host") or "127.0.0.1", int(parts.get("port") or 5432)
