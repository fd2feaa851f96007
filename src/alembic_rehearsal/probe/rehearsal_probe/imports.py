"""Run a callback right after a module was executed, and leave everything else of the import as it is.

The loader that the other finders chose stays the loader: only `exec_module` of that one *instance* is
shadowed, once, until the module has run. So `__spec__.loader`, `isinstance` checks, reloading, resources and
pickling see what they would see without the probe.
"""

from __future__ import annotations

import sys

from . import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_callbacks: dict[str, Callable[[Any], None]] = {}
_busy: set[str] = set()


class Watcher:
    """A meta path finder that finds nothing itself."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        """Return the spec that the other finders give, with its loader prepared; None for other modules."""
        if name not in _callbacks or name in _busy:
            return None
        _busy.add(name)
        try:
            spec = _ask_the_others(name, path, target)
        finally:
            _busy.discard(name)
        if spec is not None and spec.loader is not None:
            _prepare(name, spec)
        return spec


def after(name: str, callback: Callable[[Any], None]) -> None:
    """Call *callback* with module *name* each time that it has been executed; now, if that has happened already."""
    _callbacks[name] = callback
    module = sys.modules.get(name)
    if module is not None:
        _run(name, callback, module)


def install() -> None:
    """Put the watcher before all finders."""
    sys.meta_path.insert(0, Watcher)


def _ask_the_others(name: str, path: Any, target: Any) -> Any:
    for finder in list(sys.meta_path):
        find_spec = getattr(finder, "find_spec", None)
        if finder is Watcher or find_spec is None:
            continue
        spec = find_spec(name, path, target)
        if spec is not None:
            return spec
    return None


def _prepare(name: str, spec: Any) -> None:
    loader = spec.loader
    # importlib.util.LazyLoader executes the loader inside it when the module is first used.
    if type(loader).__name__ == "LazyLoader" and hasattr(loader, "loader"):
        loader = loader.loader
    # zipimport offers load_module alone before Python 3.10.
    method = "exec_module" if hasattr(loader, "exec_module") else "load_module"
    original = getattr(loader, method)

    def execute(argument: Any) -> Any:
        try:
            delattr(loader, method)
        except AttributeError:
            pass  # a module that imports itself again while it runs has taken it off already
        result = original(argument)
        _run(name, _callbacks[name], sys.modules.get(name) if method == "load_module" else argument)
        return result

    setattr(loader, method, execute)


def _run(name: str, callback: Callable[[Any], None], module: Any) -> None:
    try:
        callback(module)
    except Exception as error:
        report.fault("after import of " + name, error)
        # What can't be guarded must not be there to connect with.
        text = "alembic-rehearsal's probe can't guard {}: {}".format(name, error)
        raise ImportError(text, name=name) from error
