"""PostgreSQL in a container without a network, which dies with the tool and is removed by the engine."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import re
import secrets
import shlex
import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2

from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.model import Endpoint, LogRecord, Offer
from alembic_rehearsal.postgres import channels, engine, images, relay, serverlog, settings
from alembic_rehearsal.postgres.cluster import ADMIN, Cluster

if TYPE_CHECKING:
    # NOTE: importing it takes 0.4 s, so only who uses the engine does.
    from docker import APIClient

NAME = "docker"
_LOG_DIRECTORY = "/tmp/rehearsal-log"  # noqa: S108 - in the container

# Ends the server when the tool's end of the container's input closes, which a SIGKILL brings about too.
# A background job's input is /dev/null unless it is handed over.
_ENTRYPOINT = """
exec 4<&0
docker-entrypoint.sh "$@" </dev/null &
server=$!
{ cat <&4 >/dev/null; kill -QUIT $server; sleep 5; kill -KILL $server; } &
wait $server
"""

# Puts extensions on the list that ordinary roles may create: the same edit as overlay.py makes, in place.
_TRUST = """
cd "$(pg_config --sharedir)/extension" && for name in {names}; do
  [ -f "$name.control" ] || continue
  sed -i '/^[[:space:]]*trusted/d' "$name.control"
  echo 'trusted = true' >> "$name.control"
done
cd /
"""

_MAJOR_IN_TAG = re.compile(r":(?:latest-)?(?:pg)?(\d{2})(?=[.\-]|$)")


def offers() -> tuple[list[Offer], str]:
    """Return what the images that are here already would give, and why that is nothing."""
    try:
        with engine.connected(engine.PING_TIMEOUT_S) as api:
            tags = {tag for image in api.images() for tag in image.get("RepoTags") or ()}
    except ServerError as error:
        return [], str(error)
    found = []
    for tag in sorted(tags):
        match = _MAJOR_IN_TAG.search(tag)
        extensions = images.has(tag, int(match[1])) if match else None
        if match and extensions is not None:
            found.append(Offer(NAME, int(match[1]), "", tag, extensions))
    return found, "" if found else "the engine answers, but holds no PostgreSQL image: docker pull postgres:<major>"


def offer_for(major: int, extensions: Collection[str], *, image: str | None = None) -> Offer | None:
    """Return an offer with these extensions whose image is here or can be pulled; None when there is none.

    Raises:
        ServerError: no engine answers, or the image that was asked for can't be had.
    """
    name = image or images.image_for(major, extensions)
    if name is None:
        return None
    with engine.connected(engine.PING_TIMEOUT_S) as api:
        present = bool(api.images(name=name, quiet=True))
        if not present and not engine.can_be_pulled(api, name):
            if image is None:
                return None
            message = f"the image {image} is not here and can't be pulled"
            raise ServerError(message, fix=f"docker pull {image}")
        stated = engine.stated_major(api, name) if present else None
    match = _MAJOR_IN_TAG.search(name)
    return Offer(NAME, stated or (int(match[1]) if match else major), "", name, images.has(name, major))


@contextmanager
def start(
    offer: Offer,
    *,
    workdir: Path,
    port: int | None = None,
    password: str,
    trusted: Collection[str] = (),
    log_statement: str = "none",
) -> Iterator[Cluster]:
    """Run it; see `postgres.start`."""
    with engine.connected(engine.TIMEOUT_S) as api:
        engine.sweep(api)
        engine.pull_if_missing(api, offer.location)
        with (
            _container(api, offer, os.fspath(workdir), password, trusted, log_statement) as running,
            relay.listening(running.carry, port) as number,
        ):
            yield _DockerCluster(offer, running, number, password)


@dataclasses.dataclass(slots=True)
class _Container:
    """A started container and what it has printed."""

    api: APIClient
    id: str
    said: collections.deque[str] = dataclasses.field(default_factory=lambda: collections.deque(maxlen=50))
    ended: threading.Event = dataclasses.field(default_factory=threading.Event)
    _channels: channels.Channels | None = None
    _has_perl: bool = True
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def carry(self, client: socket.socket) -> None:
        """Connect *client* to the server in it until one of the two closes."""
        if all_at_once := self._all_at_once():
            all_at_once.carry(client)
        else:
            relay.copy(client, self._attached(["bash", "-c", relay.COMMAND]))

    def close(self) -> None:
        """End what carries connections."""
        if self._channels:
            self._channels.close()

    def _all_at_once(self) -> channels.Channels | None:
        """Return what carries all connections; None where the image has no Perl."""
        with self._lock:
            if self._has_perl and (self._channels is None or self._channels.ended):
                self.close()
                self._channels = channels.Channels(self._attached(["perl", "-e", channels.PROGRAM, "5432"]))
                self._has_perl = self._channels.begin()
            return self._channels if self._has_perl else None

    def _attached(self, argv: list[str]) -> socket.socket:
        """Run a program in it and return its streams."""
        job = self.api.exec_create(self.id, argv, stdin=True, stdout=True, stderr=True)
        return engine.hijacked(self.api.exec_start(job["Id"], socket=True))

    def output_of(self, argv: list[str]) -> bytes:
        """Run a program in it and return what it prints."""
        job = self.api.exec_create(self.id, argv, stdout=True, stderr=False)
        result: bytes = self.api.exec_start(job["Id"])
        return result


class _DockerCluster:
    """A server in a container."""

    has_log = True
    fenced = "no network"

    def __init__(self, offer: Offer, container: _Container, port: int, password: str) -> None:
        self.offer = offer
        self.admin = Endpoint("127.0.0.1", port, ADMIN, "postgres", password)
        self.created: list[str] = []
        self.container = container.id
        self._container = container

    def ready(self, timeout_s: float) -> None:
        """See `Cluster.ready`.

        The image starts a first server for its own set-up, on its Unix socket only; a query over TCP
        reaches the second one.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(psycopg2.OperationalError):
                connection = psycopg2.connect(**self.admin.kwargs(), connect_timeout=5)
                try:
                    version = connection.get_parameter_status("server_version") or ""
                finally:
                    connection.close()
                self.offer = dataclasses.replace(
                    self.offer, version=version.split()[0], major=connection.server_version // 10000
                )
                return
            if self._container.ended.is_set():
                message = f"the container of {self.offer.location} ended as it started"
                raise ServerError(message + self._last_words())
            if time.monotonic() > deadline:
                message = f"{self.offer.location} did not accept connections within {timeout_s:g} s"
                raise ServerError(message + self._last_words())
            time.sleep(0.05)

    def endpoint(self, dbname: str, *, user: str, password: str) -> Endpoint:
        """See `Cluster.endpoint`."""
        return Endpoint("127.0.0.1", self.admin.port, user, dbname, password)

    def log(self, since: int = 0) -> tuple[list[LogRecord], int]:
        """See `Cluster.log`."""
        records, end = serverlog.flushed(self.admin, self._read, since, self.offer.major)
        return [record for record in records if record.severity in serverlog.WITNESSED], end

    def log_mark(self) -> int:
        """See `Cluster.log_mark`."""
        return serverlog.flushed(self.admin, self._read, 0, self.offer.major)[1]

    def _read(self, since: int) -> bytes:
        name = f"{_LOG_DIRECTORY}/{serverlog.file_name(self.offer.major)}"
        return self._container.output_of(["tail", "-c", f"+{since + 1}", name])

    def _last_words(self) -> str:
        lines = [line for line in "".join(self._container.said).splitlines() if line.strip()]
        return ": " + " / ".join(lines[-6:]) if lines else ""


@contextmanager
def _container(
    api: APIClient, offer: Offer, token: str, password: str, trusted: Collection[str], log_statement: str
) -> Iterator[_Container]:
    from docker.errors import APIError

    chosen = settings.settings(offer.major, port=5432, log_statement=log_statement) | {
        "log_directory": _LOG_DIRECTORY,
    }
    script = _ENTRYPOINT
    if trusted:
        script = _TRUST.format(names=shlex.join(sorted(trusted))) + script
    # The name is known before the engine has made it: a signal between the two can't lose it.
    name = f"{engine.LABEL}-{secrets.token_hex(8)}"
    attached: socket.socket | None = None
    try:
        created = api.create_container(
            offer.location,
            name=name,
            entrypoint=["bash", "-c", script, engine.LABEL],
            command=["postgres", *settings.arguments(chosen)],
            environment={
                "POSTGRES_USER": ADMIN,
                "POSTGRES_PASSWORD": password,
                "POSTGRES_DB": "postgres",
                "POSTGRES_INITDB_ARGS": "--no-sync --wal-segsize=1 --encoding=UTF8 --auth-host=scram-sha-256",
            },
            labels={engine.LABEL: token},
            # Not detached: then the engine closes its input when we are gone.
            stdin_open=True,
            host_config=api.create_host_config(network_mode="none", auto_remove=True, shm_size="256m"),
        )
        container = _Container(api, created["Id"])
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        attached = engine.hijacked(api.attach_socket(container.id, params=streams))
        threading.Thread(target=_listen, args=(attached, container), daemon=True, name="container").start()
        api.start(container.id)
        try:
            yield container
        finally:
            container.close()
    except APIError as error:
        message = f"the container engine refused {offer.location}: {error.explanation or error}"
        raise ServerError(message) from error
    finally:
        engine.end(api, name, attached)


def _listen(attached: socket.socket, container: _Container) -> None:
    with contextlib.suppress(OSError):
        for _, content in relay.frames(attached.recv):
            container.said.append(content.decode(errors="replace"))
    container.ended.set()
