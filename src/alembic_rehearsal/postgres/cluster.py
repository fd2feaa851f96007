"""What every throw-away server offers to the other rooms."""

from __future__ import annotations

from typing import Protocol

from alembic_rehearsal.model import Endpoint, LogRecord, Offer

ADMIN = "rehearsal_admin"
"""The bootstrap superuser: a name that no dump brings along."""


class Cluster(Protocol):
    """A server of our own, until the context that started it ends.

    Attributes:
        offer: what it was started from; `version` is filled in once it is ready.
        admin: its superuser (on a given URL: the URL's user), by Unix socket where there is one.
        has_log: `log` sees the server's log; False on a server that is somebody else's.
        fenced: what keeps it from connecting out: "tcp and unix" (the kernel's guards), "no network", or "".
        container: the id of the one that it runs in, where it listens on 127.0.0.1:5432; "" for none.
        created: databases that were made through `databases`, for a provider that must drop them itself.
    """

    offer: Offer
    admin: Endpoint
    has_log: bool
    fenced: str
    container: str
    created: list[str]

    def ready(self, timeout_s: float) -> None:
        """Block until it accepts connections.

        Raises:
            PortTaken: another process has its port.
            ServerError: it ended, or the time ran out; with the last lines of its log.
        """

    def endpoint(self, dbname: str, *, user: str, password: str) -> Endpoint:
        """Return where the rehearsed command connects to: TCP on 127.0.0.1."""

    def log(self, since: int = 0) -> tuple[list[LogRecord], int]:
        """Return what it logged from `since` on (errors, warnings, notices), and the offset behind it."""

    def log_mark(self) -> int:
        """Return the offset behind what it has logged so far."""
