"""A TCP port on 127.0.0.1 that leads into a container which has no network at all.

Each connection becomes one `docker exec` that copies between its standard streams and the server's
port. So the container needs neither a route nor a published port, and it works the same beside the
engine, inside a container and with an engine on another machine.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alembic_rehearsal.errors import PortTaken

# Bash knows /dev/tcp and every PostgreSQL image has bash. When one side ends, the other is ended too.
COMMAND = """
exec 3<>/dev/tcp/127.0.0.1/5432 || exit 1
{ cat <&3; kill $$; } &
copier=$!
cat >&3
kill $copier
"""

_CHUNK = 1 << 16
# Frames of an attached stream without a terminal: one byte for which stream, three zeros, the length.
# https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
_HEADER = struct.Struct(">BxxxL")
STDOUT = 1


def frames(read: Callable[[int], bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield (stream, content) of an attached stream until it ends; `read` returns b"" at the end."""
    while True:
        head = _exactly(read, _HEADER.size)
        if len(head) < _HEADER.size:
            return
        stream, size = _HEADER.unpack(head)
        content = _exactly(read, size)
        yield stream, content
        if len(content) < size:
            return


@contextmanager
def listening(connect: Callable[[], socket.socket], port: int | None) -> Iterator[int]:
    """Accept connections until the context ends; `connect` opens the other side of each.

    Raises:
        PortTaken: the port that was asked for isn't free.
    """
    try:
        server = socket.create_server(("127.0.0.1", port or 0), backlog=128)
    except OSError as error:
        message = f"port {port} is taken by another process"
        raise PortTaken(message) from error
    open_sockets: set[socket.socket] = set()
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            open_sockets.add(client)
            _start(threads, functools.partial(_serve, client, connect, open_sockets, threads))

    _start(threads, accept)
    try:
        yield server.getsockname()[1]
    finally:
        # accept() in the other thread returns only when the socket is shut down, not when it is closed.
        for one in (server, *tuple(open_sockets)):
            _close(one)
        for thread in threads:
            thread.join(2)


def _serve(
    client: socket.socket,
    connect: Callable[[], socket.socket],
    open_sockets: set[socket.socket],
    threads: list[threading.Thread],
) -> None:
    try:
        inner = connect()
    except Exception:  # noqa: BLE001 - of requests, docker or the socket: for the client a closed connection
        _close(client)
        return
    open_sockets.add(inner)

    def inwards() -> None:
        with contextlib.suppress(OSError):
            while chunk := client.recv(_CHUNK):
                inner.sendall(chunk)
        with contextlib.suppress(OSError):
            inner.shutdown(socket.SHUT_WR)

    _start(threads, inwards)
    with contextlib.suppress(OSError):
        for stream, content in frames(inner.recv):
            if stream == STDOUT:
                client.sendall(content)
    _close(client)
    _close(inner)
    open_sockets.difference_update((client, inner))


def _start(threads: list[threading.Thread], work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, daemon=True, name="relay")
    threads[:] = [one for one in threads if one.is_alive()]
    threads.append(thread)
    thread.start()


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    parts = []
    while size > 0:
        part = read(min(size, _CHUNK))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
