"""A stand-in for PgBouncer's way with the settings in a start-up packet."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PROTOCOL = 196608


@contextmanager
def pooler(port: int, *, refuses: bool) -> Iterator[int]:
    """Stand before the server at `port`: refuse a start-up packet that has `options`, or drop them from it.

    Source: https://www.pgbouncer.org/config.html#ignore_startup_parameters
    """
    server = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=_serve, args=(client, port, refuses), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def _serve(client: socket.socket, port: int, refuses: bool) -> None:
    with client, socket.create_connection(("127.0.0.1", port)) as upstream, contextlib.suppress(OSError):
        fields = _startup(client)
        if b"options" in fields and refuses:
            text = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
            client.sendall(b"E" + struct.pack("!i", len(text) + 4) + text)
            return
        fields.pop(b"options", None)
        kept = b"".join(name + b"\0" + value + b"\0" for name, value in fields.items()) + b"\0"
        upstream.sendall(struct.pack("!ii", len(kept) + 8, _PROTOCOL) + kept)
        back = threading.Thread(target=_copy, args=(upstream, client), daemon=True)
        back.start()
        _copy(client, upstream)
        back.join(5)


def _startup(client: socket.socket) -> dict[bytes, bytes]:
    """Return the parameters, after refusing TLS and GSS."""
    while True:
        length, code = struct.unpack("!ii", client.recv(8, socket.MSG_WAITALL))
        if code == _PROTOCOL:
            break
        client.sendall(b"N")
    fields = client.recv(length - 8, socket.MSG_WAITALL).split(b"\0")
    return {name: value for name, value in zip(fields[::2], fields[1::2], strict=False) if name}


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
