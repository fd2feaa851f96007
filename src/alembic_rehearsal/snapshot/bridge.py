"""TLS for a pg_dump that was built without: a private socket whose bytes go on encrypted.

The wheel that brings PostgreSQL 18 is such a build, and where there is nothing else (a hosting platform's own
runtime) there would be no snapshot at all.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic_rehearsal.snapshot.address import Address

_PORT = 5432
_CONNECT_S = 15.0
_CHUNK = 1 << 16
# Source: https://www.postgresql.org/docs/current/protocol-message-formats.html (SSLRequest)
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_SASL = 10
_BOUND_TO_TLS = b"SCRAM-SHA-256-PLUS\0"


@dataclass(frozen=True, slots=True)
class _Remote:
    """Where the bytes go.

    Attributes:
        name: as the certificate has it.
    """

    host: str
    name: str
    port: int
    context: ssl.SSLContext

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection((self.host, self.port), timeout=_CONNECT_S)
        try:
            plain.sendall(_SSL_REQUEST)
            # Never on without encryption: the server has just offered it to the tool's own session.
            if plain.recv(1) != b"S":
                raise ConnectionError
            return self.context.wrap_socket(plain, server_hostname=self.name)
        except BaseException:
            plain.close()
            raise


@contextmanager
def bridged(address: Address, connection: Any, folder: Path) -> Iterator[dict[str, str]]:
    """Listen in `folder`, which is private, as long as the block lasts; yield the variables that lead there."""
    info = connection.info
    host = address.parameters.get("hostaddr") or info.host
    remote = _Remote(host, info.host or host, info.port, _context(address.parameters))
    path = folder / f".s.PGSQL.{_PORT}"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    path.chmod(0o600)
    server.listen()
    thread = threading.Thread(target=_serve, args=(server, remote), name="bridge", daemon=True)
    thread.start()
    try:
        yield {"PGHOST": str(folder), "PGPORT": str(_PORT), "PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        path.unlink(missing_ok=True)
        thread.join(5)


def _context(parameters: Mapping[str, str]) -> ssl.SSLContext:
    """Return what libpq does for the same parameters.

    Source: https://www.postgresql.org/docs/current/libpq-ssl.html
    """
    mode = parameters.get("sslmode", "prefer")
    given = parameters.get("sslrootcert", "")
    root = Path(given) if given else Path("~/.postgresql/root.crt").expanduser()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = mode == "verify-full" or given == "system"
    context.verify_mode = ssl.CERT_REQUIRED
    if given == "system":
        context.load_default_certs()
    elif mode.startswith("verify-") or root.is_file():
        context.load_verify_locations(root)
    else:
        context.verify_mode = ssl.CERT_NONE
    if "sslcert" in parameters:
        context.load_cert_chain(parameters["sslcert"], parameters.get("sslkey"))
    return context


def _serve(server: socket.socket, remote: _Remote) -> None:
    """Take one caller after the other: pg_dump has one connection."""
    while True:
        try:
            local, _ = server.accept()
        except OSError:
            return
        # What goes wrong here, pg_dump sees as a lost connection, and says so.
        with local, contextlib.suppress(OSError), remote.connect() as far:
            _relay(local, far)


def _relay(local: socket.socket, far: ssl.SSLSocket) -> None:
    """Copy both ways until one side hangs up."""
    heard = False
    while True:
        ready = [far] if far.pending() else select.select([local, far], [], [])[0]
        for source in ready:
            data = _received(source)
            if data == b"":
                return
            if data is not None:
                if source is far and not heard:
                    heard, data = True, _offer(data)
                target = local if source is far else far
                target.settimeout(None)
                target.sendall(data)


def _offer(data: bytes) -> bytes:
    """Return the server's first message without the login that is bound to TLS, which the caller knows nothing of.

    Source: https://www.postgresql.org/docs/current/sasl-authentication.html
    """
    if len(data) < 9 or data[:1] != b"R":
        return data
    length, kind = struct.unpack("!ii", data[1:9])
    if kind != _SASL or len(data) != length + 1:
        return data
    names = data[9:].replace(_BOUND_TO_TLS, b"", 1)
    return b"R" + struct.pack("!ii", len(names) + 8, _SASL) + names


def _received(source: socket.socket) -> bytes | None:
    """Return what is there, b"" at the end; None when the bytes that came were TLS's own."""
    source.settimeout(0)
    try:
        return source.recv(_CHUNK)
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
        return None
