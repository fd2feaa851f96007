"""A TCP port on 127.0.0.1 that leads into a container which has no network at all.

What a connection says goes through the standard streams of a `docker exec` in it: that of `channels`, which carries
them all, or one for each connection. So the container needs neither a route nor a published port, and it works the same
beside the engine, inside a container and with an engine on another machine.
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

CHUNK = 1 << 16
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
def listening(carry: Callable[[socket.socket], None], port: int | None) -> Iterator[int]:
    """Accept connections until the context ends; `carry` returns when the one that it is given is over.

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

    def serve(client: socket.socket) -> None:
        # Of requests, docker or the socket: for the client a closed connection.
        with contextlib.suppress(Exception):
            carry(client)
        close(client)
        open_sockets.discard(client)

    def accept() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            open_sockets.add(client)
            _start(threads, functools.partial(serve, client))

    _start(threads, accept)
    try:
        yield server.getsockname()[1]
    finally:
        # accept() in the other thread returns only when the socket is shut down, not when it is closed.
        for one in (server, *tuple(open_sockets)):
            close(one)
        for thread in threads:
            thread.join(2)


def copy(client: socket.socket, inner: socket.socket) -> None:
    """Carry what *client* says to the attached stream *inner* and back, until one of the two closes; close *inner*."""

    def inwards() -> None:
        with contextlib.suppress(OSError):
            while chunk := client.recv(CHUNK):
                inner.sendall(chunk)
        with contextlib.suppress(OSError):
            inner.shutdown(socket.SHUT_WR)

    threading.Thread(target=inwards, daemon=True, name="relay").start()
    with contextlib.suppress(OSError):
        for stream, content in frames(inner.recv):
            if stream == STDOUT:
                client.sendall(content)
    close(inner)


def _start(threads: list[threading.Thread], work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, daemon=True, name="relay")
    threads[:] = [one for one in threads if one.is_alive()]
    threads.append(thread)
    thread.start()


def close(one: socket.socket) -> None:
    """Close it both ways, so that whoever waits for it in another thread stops."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    parts = []
    while size > 0:
        part = read(min(size, CHUNK))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
