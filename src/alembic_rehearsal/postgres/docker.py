"""PostgreSQL in a container without a network, which dies with the tool and is removed by the engine."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.model import Endpoint, LogRecord, Offer
from alembic_rehearsal.postgres import container, engine, images, relay, serverlog
from alembic_rehearsal.postgres.cluster import ADMIN, Cluster

NAME = "docker"
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
    expected_bytes: int | None = None,
) -> Iterator[Cluster]:
    """Run it; see `postgres.start`."""
    with engine.connected(engine.TIMEOUT_S) as api:
        engine.sweep(api)
        engine.pull_if_missing(api, offer.location)
        token = os.fspath(workdir)
        with (
            container.started(api, offer, token, password, trusted, log_statement, expected_bytes) as running,
            relay.listening(running.carry, port) as number,
        ):
            yield _DockerCluster(offer, running, number, password)


class _DockerCluster:
    """A server in a container."""

    has_log = True
    fenced = "no network"

    def __init__(self, offer: Offer, running: container.Container, port: int, password: str) -> None:
        self.offer = offer
        self.admin = Endpoint("127.0.0.1", port, ADMIN, "postgres", password)
        self.created: list[str] = []
        self.container = running.id
        self._container = running

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
        name = f"{container.LOG_DIRECTORY}/{serverlog.file_name(self.offer.major)}"
        return self._container.output_of(["tail", "-c", f"+{since + 1}", name])

    def _last_words(self) -> str:
        lines = [line for line in "".join(self._container.said).splitlines() if line.strip()]
        return ": " + " / ".join(lines[-6:]) if lines else ""
