"""Throw-away PostgreSQL servers: who can offer one here, which one a dump gets, and starting it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from alembic_rehearsal.model import Offer
from alembic_rehearsal.postgres import docker, embedded, local, server
from alembic_rehearsal.postgres.choice import choose
from alembic_rehearsal.postgres.cluster import ADMIN, Cluster

__all__ = ["ADMIN", "PROVIDERS", "Cluster", "Provider", "choose", "offers", "start"]


class Provider(Protocol):
    """What a module of this package has to have to be a provider."""

    NAME: str

    def offers(self) -> tuple[list[Offer], str]:
        """Return what it could start here, and why that is nothing where it is nothing."""

    def start(
        self,
        offer: Offer,
        *,
        workdir: Path,
        port: int | None = None,
        password: str,
        trusted: Collection[str] = (),
        log_statement: str = "none",
        expected_bytes: int | None = None,
    ) -> AbstractContextManager[Cluster]:
        """Run one of its offers until the context ends."""


PROVIDERS: Mapping[str, Provider] = {"local": local, "embedded": embedded, "docker": docker, "server": server}


def offers(names: Sequence[str] = ("local", "embedded", "docker")) -> tuple[list[Offer], dict[str, str]]:
    """Return what the named providers could start here, and for each that has nothing the reason."""
    found: list[Offer] = []
    reasons: dict[str, str] = {}
    for name in names:
        offered, reason = PROVIDERS[name].offers()
        found += offered
        if not offered:
            reasons[name] = reason
    return found, reasons


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
    """Start a server and stop it when the context ends, leaving nothing behind.

    The server may not accept connections yet: see `Cluster.ready`.

    Args:
        offer: from `offers` or `choose`.
        workdir: of this run, from `workdir.run_directory`.
        port: to listen on at 127.0.0.1; a free one is picked if it isn't given.
        password: of the superuser, where it isn't let in by its Unix socket.
        trusted: extensions that the platform lets an ordinary role create.
        log_statement: as the server's setting of this name.
        expected_bytes: what will be restored, at most. When it is given, a container keeps its data in memory if the
            engine's machine has plenty of it.

    Raises:
        ServerError: it can't be started.
    """
    with PROVIDERS[offer.provider].start(
        offer,
        workdir=workdir,
        port=port,
        password=password,
        trusted=trusted,
        log_statement=log_statement,
        expected_bytes=expected_bytes,
    ) as cluster:
        yield cluster
