"""Replace where and as whom a connection goes, and keep everything else that the project asked for."""

from __future__ import annotations

import os
import threading

from . import dsn, gate, report
from .attribution import NOWHERE, Place, here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

APPLICATION = "alembic-rehearsal"

_ours = threading.local()
_numbers: dict[int, int] = {}
_last = {"number": 0}


class Host(str):
    """A host name that the probe has put in: the driver's wrapper knows by it that the report was made."""

    __slots__ = ()


def kept(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the *parameters* that don't say where, as whom or how protected."""
    return {k: v for k, v in parameters.items() if not dsn.dropped(k)}


def wanted(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return where *parameters* wanted to go, never with a password."""
    host = parameters.get("host") or parameters.get("hostaddr") or parameters.get("unix_sock")
    service = parameters.get("service")
    if host is None and service:
        host = "service=%s" % service
    return {
        "host": _text(host),
        "port": _text(parameters.get("port")),
        "dbname": _text(parameters.get("dbname") or parameters.get("database")),
        "user": _text(parameters.get("user")),
    }


def target(database_key: str) -> dict[str, Any]:
    """Wait for the database and return the parameters that lead there."""
    point = gate.endpoint()
    return {
        "host": Host(point["host"]),
        "port": int(point["port"]),
        "user": point["user"],
        "password": point["password"],
        database_key: point["dbname"],
    }


def mark(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return *parameters* with our application name where the project gives none."""
    if "PGAPPNAME" not in os.environ:
        parameters.setdefault("application_name", APPLICATION)
    return parameters


class Attempt:
    """One connection on its way, reported once with its outcome.

    Attributes:
        nested: the connection was asked for by the probe itself, whose own report is the one to keep.
    """

    def __init__(self, via: str, asked: dict[str, Any]) -> None:
        self.via = via
        self.wanted = wanted(asked)
        self.nested = isinstance(asked.get("host"), Host) or getattr(_ours, "depth", 0) > 0
        self.place: Place = NOWHERE if self.nested else here()

    def __enter__(self) -> None:
        _ours.depth = getattr(_ours, "depth", 0) + 1

    def __exit__(self, kind: object, error: BaseException | None, tb: object) -> None:
        _ours.depth -= 1
        if error is not None:
            self.failed(error)

    def made(self, connection: Any) -> None:
        """Report that *connection* leads to the throw-away server."""
        if not self.nested:
            self._report("redirected", remember(connection), {})

    def failed(self, error: BaseException) -> None:
        """Report that there is no connection because of *error*."""
        if not self.nested:
            outcome = "refused" if isinstance(error, gate.Refused) else "failed"
            self._report(outcome, None, {"reason": str(error)[:2000]})

    def _report(self, outcome: str, number: int | None, more: dict[str, Any]) -> None:
        report.emit(
            "connect",
            via=self.via,
            wanted=self.wanted,
            outcome=outcome,
            connection=number,
            revision=self.place.revision,
            **self.place.fields(),
            **more,
        )


def remember(connection: Any) -> int:
    """Give a new *connection*, and the one that it may adapt, the next number, from 1 in each process."""
    _last["number"] += 1
    for one in (connection, getattr(connection, "_connection", None)):
        if one is not None:
            _numbers[id(one)] = _last["number"]
    return _last["number"]


def number_of(connection: Any) -> int:
    """Return the number of *connection*, a new one if it is not known."""
    found = _numbers.get(id(connection))
    if found is None:
        found = _numbers.get(id(getattr(connection, "_connection", None)))
    return remember(connection) if found is None else found


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return ",".join(str(v) for v in value)
    return str(value)
