"""The container that a server runs in: made, connected to, and removed."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import secrets
import shlex
import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic_rehearsal import workdir
from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.model import Offer
from alembic_rehearsal.postgres import channels, engine, relay, settings
from alembic_rehearsal.postgres.cluster import ADMIN

if TYPE_CHECKING:
    # NOTE: importing it takes 0.4 s, so only who uses the engine does.
    from docker import APIClient

# All in the container.
LOG_DIRECTORY = "/tmp/rehearsal-log"  # noqa: S108
_MEMORY = "/rehearsal"
_DATA = f"{_MEMORY}/data"

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


@dataclasses.dataclass(slots=True)
class Container:
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
                self._channels = channels.Channels(self._attached(["perl", "-e", channels.program(), "5432"]))
                self._has_perl = self._channels.begin()
                if not self._has_perl:
                    self.close()
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


@contextmanager
def started(
    api: APIClient,
    offer: Offer,
    token: str,
    password: str,
    trusted: Collection[str],
    log_statement: str,
    expected_bytes: int | None,
) -> Iterator[Container]:
    """Start one, and remove it when the context ends; the arguments are those of `postgres.start`.

    Args:
        token: on its label, by which a later run knows whose it was.

    Raises:
        ServerError: the engine refuses.
    """
    from docker.errors import APIError

    chosen = settings.settings(offer.major, port=5432, log_statement=log_statement) | {
        "log_directory": LOG_DIRECTORY,
    }
    script = _ENTRYPOINT
    if trusted:
        script = _TRUST.format(names=shlex.join(sorted(trusted))) + script
    # The name is known before the engine has made it: a signal between the two can't lose it.
    name = f"{engine.LABEL}-{secrets.token_hex(8)}"
    attached: socket.socket | None = None
    memory = {_MEMORY: "mode=1777"} if _has_memory(api, expected_bytes) else None
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
                **({"PGDATA": _DATA} if memory else {}),
                "POSTGRES_INITDB_ARGS": "--no-sync --wal-segsize=1 --encoding=UTF8 --auth-host=scram-sha-256",
            },
            labels={engine.LABEL: token},
            # Not detached: then the engine closes its input when we are gone.
            stdin_open=True,
            host_config=api.create_host_config(network_mode="none", auto_remove=True, shm_size="256m", tmpfs=memory),
        )
        container = Container(api, created["Id"])
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


def _has_memory(api: APIClient, expected_bytes: int | None) -> bool:
    """Say whether the engine's machine has plenty: half of it may be others', since it doesn't say how much is free."""
    if expected_bytes is None:
        return False
    from docker.errors import APIError

    try:
        total: int = api.info().get("MemTotal", 0)
    except APIError:  # a proxy before the engine may let only the rest through
        return False
    return total >= 2 * workdir.memory_wanted(expected_bytes)


def _listen(attached: socket.socket, container: Container) -> None:
    with contextlib.suppress(OSError):
        for _, content in relay.frames(attached.recv):
            container.said.append(content.decode(errors="replace"))
    container.ended.set()
