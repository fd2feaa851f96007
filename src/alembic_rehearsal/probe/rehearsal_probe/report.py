"""Write what the probe sees as JSON lines on the private file that the tool reads."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False  # importing typing costs as much as the rest of the start
if TYPE_CHECKING:
    from typing import Any

SQL_LIMIT = 20_000
_state: dict[str, Any] = {"fd": -1, "broken": ""}


def _default(value: Any) -> Any:
    """Return what stands for a value that JSON has no form for: a set's members, else its text."""
    return list(value) if isinstance(value, (set, frozenset)) else str(value)


def _encoders() -> tuple[Any, Any]:
    """Return a function from a value to pieces of JSON, and one from a text to a string in JSON.

    It is the C half of the json module, called as json.encoder calls it: importing the Python half brings `re`
    along, which would be most of the start.
    """
    try:
        from _json import encode_basestring_ascii, make_encoder  # type: ignore[import-not-found, unused-ignore]

        encode = make_encoder(None, _default, encode_basestring_ascii, None, ": ", ", ", False, False, True)
        encode({"a": [1, None]}, 0)
    except (ImportError, TypeError):  # another interpreter, or another signature
        from json import JSONEncoder
        from json.encoder import encode_basestring_ascii

        return JSONEncoder(default=_default).iterencode, encode_basestring_ascii
    return (lambda value: encode(value, 0)), encode_basestring_ascii


_encode, text = _encoders()


def start(directory: str) -> None:
    """Open D/events.jsonl for appending; the descriptor is not inherited over exec."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    _state["fd"] = os.open(os.path.join(directory, "events.jsonl"), flags, 0o600)


def again(directory: str) -> None:
    """Report to another directory from now on."""
    os.close(_state["fd"])
    start(directory)


def emit(event: str, **fields: Any) -> None:
    """Append one event.

    One write per line on a descriptor opened with O_APPEND, so that lines of several processes don't mix:
    https://pubs.opengroup.org/onlinepubs/9699919799/functions/write.html
    """
    head = {"event": event, "pid": os.getpid(), "at": time.time()}
    head.update(fields)
    append("".join(_encode(head)) + "\n")


def emit_text(event: str, fields: str) -> None:
    """Append one event whose *fields* are JSON already, without the braces: for what comes with every revision."""
    append('{"event": "%s", "pid": %d, "at": %f, %s}\n' % (event, os.getpid(), time.time(), fields))


def quoted(value: Any) -> str:
    """Return *value* as JSON."""
    return "".join(_encode(value))


def append(text: str) -> None:
    """Append a line that is an event already."""
    line = text.encode("ascii")
    while line:
        line = line[os.write(_state["fd"], line) :]


def fault(where: str, error: BaseException) -> None:
    """Report a fault of the probe itself; from now on no connection is made, since no verdict may come of it."""
    text = "{}: {}: {}".format(where, type(error).__name__, error)
    _state["broken"] = _state["broken"] or text
    place = ""
    tb = error.__traceback__
    while tb is not None:
        place = "{}:{}".format(tb.tb_frame.f_code.co_filename, tb.tb_lineno)
        tb = tb.tb_next
    try:
        emit("probe-error", text=text, place=place)
    except OSError:
        pass  # the tool is gone; `broken` still refuses every connection


def broken() -> str:
    """Return the first fault, "" while there was none."""
    return str(_state["broken"])
