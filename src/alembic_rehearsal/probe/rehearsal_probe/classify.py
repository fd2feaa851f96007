"""Say in which phase of an upgrade an exception was raised, and where in the project."""

from __future__ import annotations

from . import graph, pgerrors
from .attribution import Place, here, is_revision, of_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, TracebackType


def classify(error: BaseException, load: tuple[BaseException, str] | None) -> tuple[str, Place]:
    """Return the phase ("env", "graph", "revision" or "command") and the place of *error*.

    Args:
        error: what ended the command.
        load: the exception that a revision file ended with while Alembic loaded it, and that file's path.
    """
    if isinstance(error, SystemExit) and error.__traceback__ is None:
        return "command", here()  # made by the probe for a call of sys.exit
    place = of_error(error)
    for one in pgerrors.chain(error):
        if load is not None and load[0] is one:
            return "revision", _place_of_load(one, load[1], place)
    if place.revision:
        return "revision", place
    codes = [(c.co_filename, c.co_name) for c in _codes(error.__traceback__)]
    if _from_graph(error, codes):
        return "graph", place
    if _inside_migrations(codes, error):
        step = graph.current_step() or {}
        return "command", Place(place.path, place.line, place.function, step.get("revision", ""))
    if any(name == "run_env" and _in_alembic(file, "script") for file, name in codes):
        return "env", place
    return "command", place


def _from_graph(error: BaseException, codes: list[tuple[str, str]]) -> bool:
    """Whether Alembic's script directory or revision map raised *error*."""
    kinds = {pgerrors.qualified(e) for e in pgerrors.chain(error)}
    if any(k.startswith("alembic.script.revision.") for k in kinds):
        return True
    if "alembic.util.exc.CommandError" not in kinds or not codes:
        return False
    file, name = codes[-1]
    # from_config complains of a configuration without scripts.
    return _in_alembic(file, "script") and name != "from_config"


def _inside_migrations(codes: list[tuple[str, str]], error: BaseException) -> bool:
    """Whether *error* came while the versions were worked on: a version row, or the commit after the steps."""
    if any(name == "run_migrations" and _in_alembic(file, "runtime") for file, name in codes):
        return True
    return graph.begun() and pgerrors.fields(error) is not None


def _in_alembic(file: str, package: str) -> bool:
    return "/alembic/%s/" % package in file.replace("\\", "/")


def _codes(tb: TracebackType | None) -> Iterator[CodeType]:
    while tb is not None:
        yield tb.tb_frame.f_code
        tb = tb.tb_next


def _place_of_load(error: BaseException, path: str, place: Place) -> Place:
    """Return the line of the revision file *path* that could not be loaded."""
    line, function = None, ""
    if isinstance(error, SyntaxError) and error.filename and error.filename.endswith(path.rsplit("/", 1)[-1]):
        line = error.lineno
    else:
        tb = error.__traceback__
        while tb is not None:
            code = tb.tb_frame.f_code
            if is_revision(tb.tb_frame) or code.co_filename.endswith(path.rsplit("/", 1)[-1]):
                line, function = tb.tb_lineno, code.co_name
            tb = tb.tb_next
    return Place(path, line, function, place.revision)
