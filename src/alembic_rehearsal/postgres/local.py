"""PostgreSQL that is installed on this machine: Debian's and PGDG's places, PATH, Homebrew."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic_rehearsal import proc, workdir
from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.model import Offer
from alembic_rehearsal.postgres import binaries, overlay
from alembic_rehearsal.postgres.cluster import Cluster
from alembic_rehearsal.postgres.installation import Installation, describe

NAME = "local"

_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu, PGDG's apt packages
    "/usr/pgsql-*/bin",  # PGDG's rpm packages
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


def offers() -> tuple[list[Offer], str]:
    """Return what is installed here, and why it is nothing if it is nothing."""
    found: dict[str, Offer] = {}
    closed = []
    for bindir in _candidates():
        place = bindir.resolve()
        if not (place / "postgres").is_file() or os.fspath(place) in found:
            continue
        if proc.unprivileged() is not None and not workdir.others_may_enter(place / "postgres"):
            closed.append(os.fspath(place))
            continue
        installation = describe(place)
        if installation is not None:
            found[os.fspath(place)] = to_offer(NAME, installation)
    if found:
        return list(found.values()), ""
    if closed:
        return [], f"only root may enter {', '.join(closed)}, and PostgreSQL doesn't run as root"
    return [], "no PostgreSQL server is installed on this machine"


def to_offer(provider: str, installation: Installation) -> Offer:
    """Return what a provider can promise of an installation."""
    extensions = installation.extensions()
    completed = overlay.completions() - extensions
    return Offer(
        provider=provider,
        major=installation.major,
        version=installation.version,
        location=installation.bindir,
        extensions=extensions | completed,
        completed=completed,
        icu=installation.icu,
    )


@contextmanager
def start(
    offer: Offer,
    *,
    workdir: Path,
    port: int | None = None,
    password: str,  # noqa: ARG001 - the superuser is let in by its Unix socket alone
    trusted: Collection[str] = (),
    log_statement: str = "none",
    expected_bytes: int | None = None,  # noqa: ARG001 - it is in the run's directory, wherever that is
) -> Iterator[Cluster]:
    """Run it; see `postgres.start`."""
    installation = describe(Path(offer.location))
    if installation is None:
        message = f"there is no PostgreSQL in {offer.location} any more"
        raise ServerError(message)
    with binaries.start(
        offer, installation, directory=workdir, port=port, trusted=trusted, log_statement=log_statement
    ) as cluster:
        yield cluster


def _candidates() -> Iterator[Path]:
    for pattern in _PLACES:
        yield from sorted(map(Path, glob.glob(pattern)), reverse=True)  # noqa: PTH207
    for folder in os.get_exec_path():
        # Links are followed: /usr/bin/postgres may be all that PATH shows of another place.
        server = shutil.which("postgres", path=folder)
        if server is not None:
            yield Path(server).resolve().parent
