"""Follow Alembic while it loads env.py and revision files, so that what fails there can be placed."""

from __future__ import annotations

import os

from . import endings, graph, overlay, report
from .attribution import here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_state = {"revisions": False}


def revisions_read() -> bool:
    """Whether Alembic has loaded a revision file in this process."""
    return _state["revisions"]


def hook_util(util: Any) -> None:
    """Wrap `alembic.util.load_python_file` and `warn`, where Alembic's own modules look them up."""
    from functools import wraps

    load, warn = util.load_python_file, util.warn
    if hasattr(load, "_alembic_rehearsal"):
        return

    @wraps(load)
    def load_python_file(dir_: Any, filename: Any) -> Any:
        _state["revisions"] = _state["revisions"] or filename != "env.py"
        try:
            new = overlay.load_new(dir_, filename)
            return load(dir_, filename) if new is None else new
        except BaseException as error:
            if filename != "env.py":
                endings.failed_to_load(error, os.path.abspath(os.path.join(str(dir_), str(filename))))
            raise

    @wraps(warn)
    def observed_warn(msg: str, stacklevel: int = 2) -> Any:
        report.emit("warning", text=str(msg), **here().fields())
        return warn(msg, stacklevel=stacklevel + 1)

    load_python_file._alembic_rehearsal = True  # type: ignore[attr-defined]
    util.load_python_file = load_python_file
    util.warn = observed_warn


def hook_scripts(base: Any) -> None:
    """Wrap `ScriptDirectory.run_env`, through which every command that touches the database goes."""
    from functools import wraps

    cls = base.ScriptDirectory
    run = cls.run_env
    if hasattr(run, "_alembic_rehearsal"):
        return

    @wraps(run)
    def run_env(self: Any) -> Any:
        try:
            return run(self)
        except BaseException as error:
            endings.escaped(error)
            raise

    run_env._alembic_rehearsal = True  # type: ignore[attr-defined]
    cls.run_env = run_env
    overlay.hook_scripts(base)
    graph.hook_loading(base)
    if hasattr(base.Script, "_from_path"):
        _hook_reading(base.Script)


def _hook_reading(cls: Any) -> None:
    """Wrap `Script._from_path`, which refuses a file that is loaded: one that builds on itself, for instance."""
    read = cls._from_path.__func__

    def _from_path(kind: Any, scriptdir: Any, path: Any) -> Any:
        try:
            return read(kind, scriptdir, path)
        except Exception as error:
            endings.failed_to_load(error, os.path.abspath(str(path)))
            raise

    cls._from_path = classmethod(_from_path)
