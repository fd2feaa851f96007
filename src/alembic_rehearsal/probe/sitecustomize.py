"""Start the probe when this interpreter belongs to a rehearsal, then run the sitecustomize that this one hides.

Kept to syntax that every Python reads: an interpreter that is too old has to end with a report, not run unguarded.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _refuse(text):
    """Report a probe that could not start, and end the process: unguarded, it could reach production."""
    line = '{"event": "probe-error", "pid": %d, "at": 0, "text": "%s"}\n' % (
        os.getpid(),
        "".join(c if " " <= c <= "~" and c not in '"\\' else " " for c in text),
    )
    try:
        path = os.path.join(os.environ["ALEMBIC_REHEARSAL_DIR"], "events.jsonl")
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(fd, line.encode("ascii"))
    finally:
        os._exit(75)  # EX_TEMPFAIL


def _start():
    if not os.environ.get("ALEMBIC_REHEARSAL_DIR"):
        return
    if sys.version_info < (3, 8):
        _refuse("Python %d.%d is older than 3.8, the oldest that the probe runs in" % sys.version_info[:2])
    try:
        if _HERE not in sys.path:
            sys.path.append(_HERE)
        from rehearsal_probe import start

        start.install()
        # The package finds its own modules; what else is imported from now on need not be looked for here.
        sys.path[:] = [place for place in sys.path if not place or os.path.abspath(place) != _HERE]
    except Exception as fault:
        _refuse("the probe could not start: %s: %s" % (type(fault).__name__, fault))


def _chain():
    """Run the next sitecustomize on sys.path in this one's place.

    The import system hands out what sys.modules holds after the execution, so a module may replace itself:
    https://docs.python.org/3/reference/import.html#loading
    """
    if sys.version_info < (3, 8):
        return
    from _frozen_importlib import module_from_spec
    from _frozen_importlib_external import PathFinder

    others = [p for p in sys.path if os.path.abspath(p) != _HERE]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_start()
_chain()
