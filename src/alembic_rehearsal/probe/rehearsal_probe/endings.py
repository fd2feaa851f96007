"""Report the exception that ends the command, whichever way it ends.

An exception that leaves env.py is reported at once (`final` false: the program may still catch it), and again
(`final` true) when it reaches the interpreter, or when `sys.exit` is called with it at hand.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_state: dict[str, Any] = {"escaped": None, "load": None}


def install() -> None:
    """Take the place of `sys.excepthook` and `sys.exit`, both of which go on to what was there."""
    hook, leave = sys.excepthook, sys.exit

    def excepthook(kind: Any, error: Any, tb: Any) -> Any:
        tell(error, final=True)
        return hook(kind, error, tb)

    def exit(status: Any = None, /) -> Any:  # noqa: A001
        if status not in (None, 0, False) and _in_main_thread():
            _tell_exit(status, sys.exc_info()[1])
        return leave(status)

    sys.excepthook = excepthook
    sys.exit = exit


def _in_main_thread() -> bool:
    """Whether this is the thread that ends the process; without the module there is no other."""
    threading = sys.modules.get("threading")
    return threading is None or threading.current_thread() is threading.main_thread()


def failed_to_load(error: BaseException, path: str) -> None:
    """Remember that the revision file *path* could not be loaded."""
    if _state["load"] is None or _state["load"][0] is not error:
        _state["load"] = (error, path)


def escaped(error: BaseException) -> None:
    """Report an exception that env.py let through."""
    if not isinstance(error, SystemExit):
        _state["escaped"] = error
        tell(error, final=False)


def tell(error: BaseException, *, final: bool) -> None:
    """Report *error*; a fault in doing so is reported instead."""
    from . import graph, pgerrors, report
    from .classify import classify

    try:
        phase, place = classify(error, _state["load"])
        report.emit(
            "exception",
            type=pgerrors.qualified(error),
            chain=[pgerrors.qualified(e) for e in pgerrors.chain(error)],
            text=str(error)[: report.SQL_LIMIT],
            phase=phase,
            revision=place.revision,
            error=pgerrors.fields(error),
            final=final,
            **place.fields(),
        )
        graph.tell_unfinished()
    except Exception as fault:
        report.fault("exception", fault)


def _tell_exit(status: Any, at_hand: BaseException | None) -> None:
    """Report what `sys.exit` with *status* stands for: the exception being handled, else one that left env.py."""
    if isinstance(at_hand, SystemExit):
        at_hand = None
    error = at_hand or _state["escaped"]
    if error is None:
        error = SystemExit(status)
    tell(error, final=True)
