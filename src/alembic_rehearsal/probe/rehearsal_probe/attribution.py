"""Say which line of the project is responsible for what happens now, by walking the stack."""

from __future__ import annotations

import os
import sys
from _thread import get_ident

from . import report

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
_DEPTHS = 6
_kinds: dict[str, int] = {}
_paths: dict[str, str] = {}
_texts: dict[tuple[str, str, str], str] = {}
_depths: list[int] = []
_between: dict[int, Place] = {}


class Place:
    """A line of the project: absolute path, 1-based line, function; revision is "" outside every revision."""

    __slots__ = ("function", "line", "path", "revision")

    def __init__(self, path: str, line: int | None, function: str, revision: str = "") -> None:
        self.path = path
        self.line = line
        self.function = function
        self.revision = revision

    def json(self) -> str:
        """Return all four as an event's fields in JSON, but for the line remembered: they come again and again."""
        key = (self.revision, self.path, self.function)
        text = _texts.get(key)
        if text is None:
            names = {"revision": self.revision, "path": self.path, "function": self.function}
            text = _texts[key] = report.quoted(names)[1:-1] + ', "line": '
        return text + ("null" if self.line is None else str(self.line))

    def fields(self) -> dict[str, Any]:
        """Return path, line, function as an event holds them."""
        return {"path": self.path, "line": self.line, "function": self.function}


NOWHERE = Place("", None, "")


def here(frame: FrameType | None = None) -> Place:
    """Return the place that caused the current call: the innermost frame of a revision, else of the project."""
    best, best_kind = None, _IGNORED
    for each in _stack(frame or sys._getframe(1)):
        if is_revision(each):
            return _of_revision(each)
        if best_kind < _PROJECT and kind_of(each) > best_kind:
            best, best_kind = each, kind_of(each)
    return NOWHERE if best is None else _place(best, best.f_lineno, "")


def of_statement() -> Place:
    """Return the same as `here`, for a caller that is always as far from the driver's call.

    Some thirty frames lie between a revision and the driver, for one operation always as many. Going straight to where
    a revision was found before saves the walk, for which Python would have to make an object of each frame.
    """
    for depth in _depths:
        try:
            frame = sys._getframe(depth)
        except ValueError:
            continue
        # What the revision has called must be a library: else another function of the revision lies further inside.
        if is_revision(frame) and kind_of(sys._getframe(depth - 1)) == _IGNORED:
            return _of_revision(frame)
    place = _between.get(get_ident()) or here(sys._getframe(1))
    if place.revision:
        _remember_depth()
    return place


def between_revisions(place: Place | None) -> None:
    """Say that no revision runs in this thread until further notice, and what answers for Alembic's own statements."""
    if place is None:
        _between.pop(get_ident(), None)
    else:
        _between[get_ident()] = place


def _remember_depth() -> None:
    """Note how far from the caller the innermost frame of a revision is, the latest first."""
    frame: FrameType | None = sys._getframe(1)
    depth = 0
    while frame is not None and not is_revision(frame):
        frame, depth = frame.f_back, depth + 1
    if frame is not None:  # it may be in another greenlet
        _depths.insert(0, depth)
        del _depths[_DEPTHS:]


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


def absolute(file: str) -> str:
    """Return the absolute path of *file*, remembered: the same few come again with every statement."""
    path = _paths.get(file)
    if path is None:
        path = _paths[file] = os.path.abspath(file)
    return path


def _of_revision(frame: FrameType) -> Place:
    return _place(frame, frame.f_lineno, str(frame.f_globals["revision"]))


def _place(frame: FrameType, line: int, revision: str) -> Place:
    file = frame.f_code.co_filename
    return Place(absolute(file), line, frame.f_code.co_name, revision)
