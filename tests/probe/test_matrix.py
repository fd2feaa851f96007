"""The probe does the same in every interpreter, with every SQLAlchemy, Alembic and driver that projects have.

By default with the packages of this environment and with the oldest ones; `REHEARSAL_MATRIX=1` runs all cells, each
in an environment that uv makes for the session.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from alembic_rehearsal.model import Endpoint
from harness import Production, Project, Run, run


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination; `python` is "" for this environment."""

    driver: str
    python: str = ""
    packages: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.driver, self.python, *self.packages)).strip()


_NEW = ("sqlalchemy>=2.1", "alembic", "greenlet", "psycopg2-binary", "psycopg[binary]", "asyncpg", "pg8000")
_DRIVERS = ("psycopg2", "psycopg", "asyncpg", "pg8000")
HERE = [Cell(driver) for driver in _DRIVERS]
OLDEST = Cell("psycopg2", "3.8", ("sqlalchemy==1.3.24", "alembic==1.4.3", "psycopg2-binary"))
MORE = [
    Cell("psycopg2", "3.8", ("sqlalchemy==1.3.0", "alembic==1.4.0", "psycopg2-binary")),
    Cell("pg8000", "3.8", ("sqlalchemy==1.3.24", "alembic==1.5.8", "pg8000==1.16.5")),
    *(
        Cell(d, "3.8", ("sqlalchemy==1.4.54", "alembic==1.7.7", "greenlet", "psycopg2-binary", "asyncpg", "pg8000"))
        for d in ("psycopg2", "asyncpg", "pg8000")
    ),
    *(
        Cell(d, "3.9", ("sqlalchemy==2.0.0", "alembic==1.9.4", "greenlet", *_NEW[3:5], "asyncpg==0.27.0", "pg8000"))
        for d in _DRIVERS
    ),
    *(Cell(d, "3.10", ("sqlalchemy<2.1", *_NEW[1:])) for d in _DRIVERS),
    Cell("psycopg2", "3.11", ("sqlalchemy==1.4.0", "alembic==1.6.5", "psycopg2-binary", "greenlet")),
    Cell("asyncpg", "3.11", ("sqlalchemy==1.4.23", "alembic==1.7.7", "asyncpg", "greenlet")),
    *(Cell(d, "3.12", _NEW) for d in _DRIVERS),
    Cell("psycopg2cffi", "3.9", ("sqlalchemy<2.1", "alembic", "psycopg2cffi")),
]
FULL = os.environ.get("REHEARSAL_MATRIX") == "1"

ENV = """
from alembic import context
from sqlalchemy import create_engine

with create_engine("postgresql+DRIVER://prod:secret@127.0.0.1:PORT/proddb").connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ASYNC_ENV = """
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    async with create_async_engine("postgresql+DRIVER://prod:secret@127.0.0.1:PORT/proddb").connect() as connection:
        await connection.run_sync(migrate)

asyncio.run(main())
"""
_THIRD = (
    "op.create_table(\n    'users', sa.Column('id', sa.Integer)\n)\n"
    "rows = op.get_bind().execute(sa.text('select a, b from missing where c = :c'), {'c': 1}).fetchall()\n"
    "assert rows == []\n"
    "op.add_column('users', sa.Column('good', sa.Text))\n"
    "op.bulk_insert(sa.table('users', sa.column('id')), [{'id': 1}, {'id': 2}])\n"
    "with op.get_context().autocommit_block():\n"
    "    op.create_index('ix', 'users', ['good'], postgresql_concurrently=True)\n"
    "    op.create_index('ix', 'users', ['good'], postgresql_concurrently=True)"
)
# The first line of each body is line 10 of its file.
BODIES = (
    "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True))",
    "op.execute('insert into users values (1)')\nop.add_column('users', sa.Column('phone', sa.Text))",
    _THIRD,
    "op.add_column('users', sa.Column('four', sa.Text))\nraise LookupError('no such thing')",
    "op.execute('do $$ begin perform 1; end $$')\nop.create_foreign_key('fk', 'users', 'users', ['phone'], ['id'])",
)


@pytest.fixture(scope="session")
def interpreters(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Cell], Path]:
    """Return a function that gives the interpreter of a cell, in an environment made once a session."""
    root = tmp_path_factory.mktemp("matrix")

    def find(cell: Cell) -> Path:
        if not cell.python:
            return Path(sys.executable)
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        if uv is None:
            pytest.skip("uv is not installed")
        place = root / "".join(c if c.isalnum() else "-" for c in f"{cell.python} {cell.packages}")
        python = place / "bin" / "python"
        if not python.exists():
            made = subprocess.run(
                [uv, "venv", "-q", "--no-project", "--python", _python(cell.python), str(place)],
                capture_output=True,
                check=False,
            )
            if made.returncode:
                pytest.skip(f"no Python {cell.python}: {made.stderr.decode()}")
            subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *cell.packages], check=True)
        return python

    return find


def _python(version: str) -> str:
    """Return a pyenv interpreter of *version*, which uv doesn't look for by itself, or the version."""
    found = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python")
    return str(next(iter(found), version))


def upgrade(
    cell: Cell, python: Path, project: Project, endpoint: Endpoint, exchange: Path, port: int, mode: str
) -> Run:
    """Run the five revisions."""
    root = project(*BODIES)
    env = ASYNC_ENV if cell.driver == "asyncpg" else ENV
    (root / "migrations" / "env.py").write_text(env.replace("DRIVER", cell.driver).replace("PORT", str(port)))
    return run(
        [str(python.with_name("alembic")), "upgrade", "head"],
        cwd=root,
        endpoint=endpoint,
        directory=exchange,
        mode=mode,
    )


CELLS = pytest.mark.parametrize(
    "cell",
    [*HERE, OLDEST, *(pytest.param(c, marks=pytest.mark.skipif(not FULL, reason="REHEARSAL_MATRIX=1")) for c in MORE)],
    ids=str,
)


@CELLS
def test_a_failure_is_reported_with_its_line_and_sqlstate(
    cell: Cell,
    interpreters: Callable[[Cell], Path],
    project: Project,
    endpoint: Endpoint,
    exchange: Path,
    production: Production,
) -> None:
    """The true run stops where production's would, and the probe names revision, line and SQLSTATE."""
    done = upgrade(cell, interpreters(cell), project, endpoint, exchange, production.port, "true")

    assert done.of("probe-error") == []
    assert done.status != 0
    connect = done.one("connect")
    assert (connect["via"], connect["outcome"]) == ("sqlalchemy", "redirected")
    assert connect["wanted"]["port"] == str(production.port)
    [failed] = [s for s in done.of("statement") if s["error"]]
    assert (failed["revision"], failed["line"], failed["error"]["sqlstate"]) == ("r3", 10, "42P07")
    assert failed["error"]["message"] == 'relation "users" already exists'
    assert failed["transaction"] == "open"
    assert Path(failed["path"]).name == "r3.py"
    end = done.one("exception", final=True)
    assert (end["phase"], end["revision"], end["line"]) == ("revision", "r3", 10)
    assert end["error"]["sqlstate"] == "42P07"
    assert [(s["revision"], s["phase"]) for s in done.of("step")][-2:] == [("r3", "begin"), ("r3", "failed")]
    assert done.one("result")["heads"] == ["r2"]
    assert done.one("fingerprint")["token"] == "of the test"
    context = done.one("context")
    assert (context["current"], context["heads"], context["destination"]) == ([], ["r5"], "head")


@CELLS
def test_the_survey_reports_every_failing_statement(
    cell: Cell,
    interpreters: Callable[[Cell], Path],
    project: Project,
    endpoint: Endpoint,
    exchange: Path,
    production: Production,
) -> None:
    """All failures come out in one run, in their order; what succeeds stays done."""
    done = upgrade(cell, interpreters(cell), project, endpoint, exchange, production.port, "survey")

    assert done.of("probe-error") == []
    failed = [(s["revision"], s["line"], s["error"]["sqlstate"]) for s in done.of("statement") if s["error"]]
    if cell.driver == "pg8000":
        # SQLAlchemy with pg8000 is in a transaction where Alembic's autocommit_block asks for none, probe or not.
        failed = [f for f in failed if f[1] not in (18, 19)] + [("r3", 19, "42P07")]
    assert sorted(failed) == [
        ("r3", 10, "42P07"),
        ("r3", 13, "42P01"),
        ("r3", 16, "23505"),
        ("r3", 19, "42P07"),
        ("r5", 11, "42804"),
    ]
    assert all(s["skipped"] == bool(s["error"]) for s in done.of("statement"))
    stopped = done.one("survey-stopped")
    assert (stopped["revision"], stopped["line"], stopped["text"]) == ("r4", 11, "no such thing")
    assert done.one("result")["heads"] == ["r5"]
    assert done.status == 0, done.output


@CELLS
def test_a_patch_is_tried_without_touching_the_files(
    cell: Cell,
    interpreters: Callable[[Cell], Path],
    project: Project,
    endpoint: Endpoint,
    exchange: Path,
    production: Production,
    tmp_path: Path,
) -> None:
    """Alembic runs the replacement under the original's name, compiled files or not, and finds the new revision."""
    root = project(BODIES[0], "op.add_column('users', sa.Column('phone', sa.Text))")
    versions = root / "migrations" / "versions"
    patched, new = tmp_path / "patched", tmp_path / "new"
    text = (versions / "r2.py").read_text()
    patched.write_text(text.replace("'phone'", "'fax'"))
    new.write_text(text.replace('"r2"', '"r3"').replace("'r1'", "'r2'").replace("'phone'", "'telex'"))
    overlay = {str(versions / "r2.py"): str(patched), str(versions / "r3.py"): str(new)}
    (exchange / "overlay.json").write_text(json.dumps(overlay))
    (root / "migrations" / "env.py").write_text(
        (ASYNC_ENV if cell.driver == "asyncpg" else ENV)
        .replace("DRIVER", cell.driver)
        .replace("PORT", str(production.port))
    )
    python = interpreters(cell)
    py_compile(python, versions)
    before = {path: path.read_bytes() for path in root.rglob("*.py*")}

    done = run([str(python.with_name("alembic")), "upgrade", "head"], cwd=root, endpoint=endpoint, directory=exchange)

    assert done.of("probe-error") == []
    assert done.status == 0, done.output
    added = [s for s in done.of("statement") if "ADD COLUMN" in s["sql"]]
    assert [(s["sql"].split()[-2], Path(s["path"]).name, s["line"]) for s in added] == [
        ("fax", "r2.py", 10),
        ("telex", "r3.py", 10),
    ]
    assert {path: path.read_bytes() for path in before} == before
    assert not (versions / "r3.py").exists()


def py_compile(python: Path, folder: Path) -> None:
    """Leave compiled files, which Python would take before it reads a source."""
    subprocess.run([str(python), "-m", "compileall", "-q", str(folder)], check=True)
