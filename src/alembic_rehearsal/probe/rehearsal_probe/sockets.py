"""Refuse sockets that would lead out of the rehearsal: the line behind the drivers, before the kernel's."""

from __future__ import annotations

import errno

from . import gate, report
from .attribution import here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1"))


def guard(socket: Any) -> None:
    """Wrap `connect` and `connect_ex` of `socket.socket`, which asyncio, ssl and all pure Python drivers use."""
    cls = socket.socket
    if "connect" in cls.__dict__:
        return
    plain_connect, plain_connect_ex = cls.connect, cls.connect_ex
    families = (socket.AF_INET, socket.AF_INET6)
    unix = getattr(socket, "AF_UNIX", None)

    def connect(self: Any, address: Any) -> Any:
        reason = _judge(self.family, address, families, unix)
        if reason:
            raise PermissionError(errno.EACCES, reason)
        return plain_connect(self, address)

    def connect_ex(self: Any, address: Any) -> Any:
        return errno.EACCES if _judge(self.family, address, families, unix) else plain_connect_ex(self, address)

    connect.__doc__, connect_ex.__doc__ = plain_connect.__doc__, plain_connect_ex.__doc__
    cls.connect, cls.connect_ex = connect, connect_ex


def _judge(family: Any, address: Any, families: Any, unix: Any) -> str:
    """Return why *address* is refused, "" when it is allowed; a refusal is reported."""
    try:
        if family in families:
            host, port = str(address[0]), int(address[1])
            reason = _judge_tcp(host, port)
        elif family == unix:
            text = address.decode(errors="replace") if isinstance(address, bytes) else str(address)
            host, _, port_text = text.rpartition("/.s.PGSQL.")
            port = int(port_text) if host and port_text.isdigit() else 0
            reason = _judge_unix(host, port) if host else ""
        else:
            return ""
    except (TypeError, ValueError, IndexError):
        return ""  # not an address: let the socket say so
    if reason:
        place = here()
        report.emit(
            "connect",
            via="socket",
            wanted={"host": host, "port": str(port), "dbname": None, "user": None},
            outcome="refused",
            connection=None,
            reason=reason,
            revision=place.revision,
            **place.fields(),
        )
    return reason


def _judge_tcp(host: str, port: int) -> str:
    config = gate.config()
    if port in config.get("allowed_ports", ()):
        return ""
    point = gate.known() or {"host": "127.0.0.1"}
    if port == config.get("endpoint_port") and (host in _LOOPBACK or host == point["host"]):
        return ""
    return "alembic-rehearsal refused a connection to {}:{}: it leads out of the rehearsal".format(host, port)


def _judge_unix(host: str, port: int) -> str:
    point = gate.known()
    if point is not None and host == point["host"] and port == int(point["port"]):
        return ""
    return "alembic-rehearsal refused the PostgreSQL socket in {} (port {}): it is not the rehearsal's".format(
        host, port
    )
