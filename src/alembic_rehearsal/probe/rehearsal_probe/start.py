"""Install the probe in this process: cheap things now, the rest when the modules that it concerns are imported."""

from __future__ import annotations

import atexit
import os
import sys

from . import endings, gate, imports, nursery, overlay, processes, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def install() -> None:
    """Say hello and watch for imports."""
    directory = os.environ["ALEMBIC_REHEARSAL_DIR"]
    report.start(directory)
    gate.start(directory)
    hello()
    for name, callback in (
        ("socket", _sockets),
        ("subprocess", _processes),
        ("sqlalchemy", _engines),
        ("psycopg2", _psycopg2),
        ("psycopg2cffi", _psycopg2),
        ("psycopg", _psycopg),
        ("asyncpg", _asyncpg),
        ("pg8000.core", _pg8000),
        ("alembic", _library),
        ("alembic.util", _endings),
        ("alembic.runtime.migration", _graph),
        ("alembic.script.base", _scripts),
    ):
        imports.after(name, callback)
    imports.install()
    overlay.install()
    endings.install()
    processes.remember()
    processes.watch_exec()
    os.register_at_fork(after_in_child=_forked)
    atexit.register(report.emit, "bye")


def hello() -> None:
    """Say that there is a process with the probe in it."""
    report.emit(
        "hello",
        python="%d.%d.%d" % sys.version_info[:3],
        executable=sys.executable,
        argv=list(getattr(sys, "argv", [])),
        ppid=os.getppid(),
    )


def _forked() -> None:
    if not nursery.forking():
        hello()


def _library(module: Any) -> None:
    report.emit("library", name=module.__name__, version=str(getattr(module, "__version__", "")))


def _sockets(module: Any) -> None:
    from . import sockets

    sockets.guard(module)


def _processes(module: Any) -> None:
    processes.watch(module)


def _engines(module: Any) -> None:
    from . import engines

    engines.listen(module)


def _psycopg2(module: Any) -> None:
    from . import drivers

    drivers.psycopg2(module)
    _library(module)


def _psycopg(module: Any) -> None:
    from . import drivers

    drivers.psycopg(module)
    _library(module)


def _asyncpg(module: Any) -> None:
    from . import drivers

    drivers.asyncpg(module)
    _library(module)


def _pg8000(module: Any) -> None:
    from . import drivers

    drivers.pg8000(module)
    package = sys.modules["pg8000"]
    report.emit("library", name="pg8000", version=str(getattr(package, "__version__", "")))


def _graph(module: Any) -> None:
    from . import graph

    graph.hook(module)


def _endings(module: Any) -> None:
    from . import loading

    loading.hook_util(module)


def _scripts(module: Any) -> None:
    from . import loading

    loading.hook_scripts(module)
