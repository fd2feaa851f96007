"""Watching imports changes nothing that a program can see of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from alembic_rehearsal.model import Endpoint
from harness import run

HEAD = "import sys, importlib, importlib.util, importlib.machinery as m\n"
LAZY = (
    "spec = importlib.util.find_spec('sqlalchemy'); spec.loader = importlib.util.LazyLoader(spec.loader)\n"
    "mod = importlib.util.module_from_spec(spec); sys.modules['sqlalchemy'] = mod; spec.loader.exec_module(mod)\n"
    "print(type(mod).__name__, mod.__version__)"
)


@pytest.mark.parametrize(
    "body",
    [
        "import sqlalchemy; print(type(sqlalchemy.__spec__.loader).__name__, vars(sqlalchemy.__spec__.loader).keys())",
        "import psycopg2; print(psycopg2.__loader__ is psycopg2.__spec__.loader, psycopg2.__spec__.cached is not None)",
        "import sqlalchemy; print(importlib.reload(sqlalchemy) is sqlalchemy)",
        "import psycopg2; importlib.reload(psycopg2); print(psycopg2.connect.__module__)",
        "print(importlib.util.find_spec('sqlalchemy').origin)",
        "import sqlalchemy, pickle; print(pickle.loads(pickle.dumps(sqlalchemy.text('select 1'))))",
        "import importlib.resources as r; print(sorted(p.name for p in r.files('sqlalchemy').iterdir()))",
        "import pkgutil, sqlalchemy; print(len(list(pkgutil.walk_packages(sqlalchemy.__path__))) > 5)",
        "import importlib.metadata as x; print(x.version('sqlalchemy'))",
        "import asyncpg as a, inspect; print(inspect.iscoroutinefunction(a.connect), inspect.signature(a.connect))",
        "import psycopg, inspect; print(inspect.signature(psycopg.connect), psycopg.connect.__name__)",
        "import pg8000, inspect; print(inspect.signature(pg8000.connect))",
        "import subprocess, inspect; print(inspect.signature(subprocess.Popen))",
        "try:\n    import psycopg2.nothing\nexcept ImportError as e: print(repr(e), e.name)",
        LAZY,
        "import alembic.config; print(alembic.config.CommandLine.main.__qualname__)",
    ],
)
def test_a_program_sees_the_same_with_and_without_the_probe(
    body: str, endpoint: Endpoint, exchange: Path, tmp_path: Path
) -> None:
    """Loaders, specs, signatures, reloads and errors are the same."""
    import subprocess

    command = [sys.executable, "-c", HEAD + body]
    plain = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout

    done = run(command, cwd=tmp_path, endpoint=endpoint, directory=exchange)

    assert done.output == plain
    assert done.of("probe-error") == []


@pytest.mark.parametrize("again", ["importlib.reload(psycopg2)", "del sys.modules['psycopg2']; import psycopg2"])
def test_a_driver_that_is_loaded_again_is_wrapped_again(
    again: str, endpoint: Endpoint, exchange: Path, tmp_path: Path
) -> None:
    """The second copy leads to the throw-away database too."""
    body = f"{HEAD}import psycopg2; {again}; print(psycopg2.connect('host=nowhere').info.dbname)"

    done = run([sys.executable, "-c", body], cwd=tmp_path, endpoint=endpoint, directory=exchange)

    assert done.output.strip() == endpoint.dbname


def test_a_driver_that_cannot_be_guarded_cannot_be_imported(endpoint: Endpoint, exchange: Path, tmp_path: Path) -> None:
    """A version that is built differently is no way out."""
    (tmp_path / "psycopg2").mkdir()
    (tmp_path / "psycopg2" / "__init__.py").write_text("def connect(*a): print('connected')\n")

    done = run(
        [sys.executable, "-c", "import psycopg2; psycopg2.connect()"],
        cwd=tmp_path,
        endpoint=endpoint,
        directory=exchange,
    )

    assert "alembic-rehearsal's probe can't guard psycopg2" in done.output
    assert "connected\n" not in done.output
    assert len(done.of("probe-error")) == 1
