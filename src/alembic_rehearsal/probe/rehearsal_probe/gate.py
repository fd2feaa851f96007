"""Hold the first connection back until the throw-away database is ready, and know where it is."""

from __future__ import annotations

import os
import time

from . import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ABORTED = 75  # EX_TEMPFAIL: the tool gave up before the database was ready
POLL_S = 0.005
_state: dict[str, Any] = {"directory": "", "config": None, "survey": None, "endpoint": None}


class Refused(ConnectionRefusedError):
    """A connection that must not be made; an OSError, so that it is handled like an unreachable server."""


def start(directory: str) -> None:
    """Remember the private directory; nothing is read yet."""
    _state["directory"] = directory


def again(directory: str) -> None:
    """Wait for another database, as the configuration of another directory says."""
    _state.update(directory=directory, config=None, survey=None, endpoint=None)


def directory() -> str:
    """Return the private directory of the rehearsal."""
    return str(_state["directory"])


def config() -> dict[str, Any]:
    """Return D/config.json."""
    if _state["config"] is None:
        _state["config"] = _read("config.json")
    found: dict[str, Any] = _state["config"]
    return found


def survey() -> bool:
    """Whether failing statements are recorded and passed over."""
    found = _state["survey"]
    if found is None:
        found = _state["survey"] = config().get("mode") == "survey"
    return bool(found)


def known() -> dict[str, Any] | None:
    """Return the endpoint if it is known already, without waiting."""
    found: dict[str, Any] | None = _state["endpoint"]
    return found


def endpoint() -> dict[str, Any]:
    """Wait until the database is ready and return host, port, user, password, dbname.

    Raises:
        Refused: the probe itself is broken.
    """
    if report.broken():
        raise Refused(13, "alembic-rehearsal refused a connection, its probe failed: " + report.broken())
    found = known()
    if found is None:
        found = _wait()
        _state["endpoint"] = found
        _tell_children(found)
    return found


def _wait() -> dict[str, Any]:
    from . import nursery

    nursery.settle()
    # In a trial the directory is another one now.
    ready = os.path.join(directory(), "ready.json")
    if not os.path.exists(ready):
        report.emit("waiting")
    while not os.path.exists(ready):
        leave_if_over()
        time.sleep(POLL_S)
    return _read("ready.json")


def leave_if_over() -> None:
    """End this process if the tool has given up, or is gone: the directory goes with it."""
    if os.path.exists(os.path.join(directory(), "abort")) or not os.path.isdir(directory()):
        os._exit(ABORTED)


def _tell_children(found: dict[str, Any]) -> None:
    """Put the final values into os.environ, which child processes and libpq read."""
    from . import environ

    wanted = environ.rewritten(os.environ, found, directory())
    for name in [n for n in os.environ if n not in wanted]:
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _read(name: str) -> dict[str, Any]:
    import json

    with open(os.path.join(directory(), name), encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found
