"""Say which line of the project is responsible for what happens now, by walking the stack."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType
    from typing import Any

_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep
_STDLIB = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_BIN = os.path.join(os.path.abspath(sys.prefix), "bin") + os.sep
_LIBRARIES = ("alembic", "sqlalchemy", "psycopg2", "psycopg", "psycopg_pool", "asyncpg", "pg8000", "greenlet")
_IGNORED, _INSTALLED, _PROJECT, _REVISION = 0, 1, 2, 3
_kinds: dict[str, int] = {}
_paths: dict[str, str] = {}


class Place:
    """A line of the project: absolute path, 1-based line, function; revision is "" outside every revision."""

    __slots__ = ("function", "line", "path", "revision")

    def __init__(self, path: str, line: int | None, function: str, revision: str = "") -> None:
        self.path = path
        self.line = line
        self.function = function
        self.revision = revision

    def fields(self) -> dict[str, Any]:
        """Return path, line, function as an event holds them."""
        return {"path": self.path, "line": self.line, "function": self.function}


NOWHERE = Place("", None, "")


def here(frame: FrameType | None = None) -> Place:
    """Return the place that caused the current call: the innermost frame of a revision, else of the project.

    The first walk does the least that it can: it goes over some thirty frames for every statement.
    """
    start: FrameType = frame or sys._getframe(1)
    walked: FrameType | None = start
    while walked is not None:
        if "down_revision" in walked.f_globals and is_revision(walked):
            return _place(walked, walked.f_lineno, str(walked.f_globals["revision"]))
        walked = walked.f_back
    best, best_kind = None, _IGNORED
    for each in _stack(start):
        kind = _REVISION if is_revision(each) else kind_of(each)
        if kind > best_kind:
            best, best_kind = each, kind
            if kind >= _PROJECT:
                break
    if best is None:
        return NOWHERE
    return _place(best, best.f_lineno, str(best.f_globals["revision"]) if best_kind == _REVISION else "")


def of_error(error: BaseException) -> Place:
    """Return the place where *error* was raised, taken from its traceback."""
    found, found_kind = NOWHERE, _IGNORED
    tb: TracebackType | None = error.__traceback__
    while tb is not None:
        frame = tb.tb_frame
        kind = _REVISION if is_revision(frame) else kind_of(frame)
        # The traceback goes inwards, so of two that are as good the later one counts.
        if kind >= max(found_kind, _INSTALLED):
            revision = str(frame.f_globals["revision"]) if kind == _REVISION else ""
            found, found_kind = _place(frame, tb.tb_lineno, revision), kind
        tb = tb.tb_next
    return found


def is_revision(frame: FrameType) -> bool:
    """Whether *frame* runs code of a revision file, told by the names that every such file defines."""
    names = frame.f_globals
    if "down_revision" not in names or "revision" not in names:
        return False
    file = names.get("__file__") or ""
    # A history shipped without sources has the compiled file here and the source's name in the code.
    return bool(frame.f_code.co_filename == file or file.endswith(".pyc"))


def kind_of(frame: FrameType) -> int:
    """Return 2 for the project's own code, 1 for other installed packages, 0 for what is never to blame."""
    file = frame.f_code.co_filename
    kind = _kinds.get(file)
    if kind is None:
        kind = _kinds[file] = _classify(file, frame)
    return kind


def is_library(file: str) -> bool:
    """Whether *file* belongs to Python, to an installed package or to the probe."""
    return file.startswith(("<", _OWN, _BIN, _STDLIB)) or "/site-packages/" in file or "/dist-packages/" in file


def _classify(file: str, frame: FrameType) -> int:
    if file.startswith(("<", _OWN, _BIN)):
        return _IGNORED
    # Alembic loads env.py under this name, wherever it lies.
    if frame.f_globals.get("__name__") == "env_py":
        return _PROJECT
    for mark in ("/site-packages/", "/dist-packages/"):
        if mark in file:
            top = file.rsplit(mark, 1)[1].split("/", 1)[0]
            return _IGNORED if top in _LIBRARIES else _INSTALLED
    return _IGNORED if file.startswith(_STDLIB) else _PROJECT


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    """Walk outwards; where a greenlet of SQLAlchemy's asyncio layer begins, go on in the one that started it."""
    greenlet: Any = None
    while frame is not None:
        yield frame
        frame = frame.f_back
        if frame is None:
            module = sys.modules.get("greenlet")
            greenlet = None if module is None else (greenlet or module.getcurrent()).parent
            frame = None if greenlet is None else greenlet.gr_frame


def _place(frame: FrameType, line: int, revision: str) -> Place:
    file = frame.f_code.co_filename
    path = _paths.get(file)
    if path is None:
        path = _paths[file] = os.path.abspath(file)
    return Place(path, line, frame.f_code.co_name, revision)
