"""Fixtures for whole runs: an Alembic project from a few lines, a production database and its dump, the tool."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from alembic_rehearsal.connect import connected
from alembic_rehearsal.postgres import Cluster, databases

INI = """\
[alembic]
script_location = %(here)s/migrations
sqlalchemy.url = postgresql+psycopg2://deploy:secret@db.production.example:5432/app
"""
ENV = """\
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
section = config.get_section(config.config_ini_section)
engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection{configure})
    with context.begin_transaction():
        context.run_migrations()
"""
# The ordinary role that owns everything in production.
OWNER = "app_production"
# Where the body of upgrade() begins in a revision file made here.
BODY = 12


def revision(name: str, down: str | tuple[str, ...] | None, body: str) -> str:
    """Return the text of a revision file; the first line of *body* is line `BODY` of it."""
    return (
        f'"""{name}"""\n\nimport sqlalchemy as sa\nfrom alembic import op\n'
        "from sqlalchemy.dialects import postgresql\n\n"
        f"revision = {name!r}\ndown_revision = {down!r}\n\n\ndef upgrade():\n"
        + indent(dedent(body).strip("\n") or "pass", "    ")
        + "\n\n\ndef downgrade():\n    pass\n"
    )


def write_project(folder: Path, revisions: Mapping[str, str], *, env: str | None = None, configure: str = "") -> Path:
    """Write an Alembic project whose linear history is *revisions*, id -> body of upgrade(), and return its folder."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text(INI)
    (folder / "migrations" / "env.py").write_text(env or ENV.format(configure=configure))
    down: str | None = None
    for name, body in revisions.items():
        (versions / f"{name}.py").write_text(revision(name, down, body))
        down = name
    return folder


@dataclass(frozen=True)
class Production:
    """A database that stands for production, on the session's own server."""

    cluster: Cluster
    dbname: str
    folder: Path

    def execute(self, sql: str) -> None:
        with connected(replace(self.cluster.admin, dbname=self.dbname)) as connection, connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {OWNER}")
            cursor.execute(sql)

    def cluster_execute(self, sql: str) -> None:
        """Execute *sql* as the superuser."""
        with connected(replace(self.cluster.admin, dbname=self.dbname)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)

    def pg_dump(self, *flags: str) -> bytes:
        admin = self.cluster.admin
        done = subprocess.run(
            [
                f"{self.cluster.offer.location}/pg_dump",
                *("-h", admin.host, "-p", str(admin.port), "-U", admin.user, *flags, self.dbname),
            ],
            check=True,
            capture_output=True,
        )
        return done.stdout

    def dump(self, *flags: str) -> Path:
        """Write schema and version rows as the README's recipe does, and return the file."""
        path = self.folder / "production.sql"
        rows = self.pg_dump("--data-only", "--table=*.alembic_version", *flags)
        path.write_bytes(self.pg_dump("--schema-only", *flags) + rows)
        return path


@pytest.fixture
def production(cluster: Cluster, tmp_path: Path) -> Iterator[Production]:
    """An empty database that stands for production."""
    dbname = f"production_{secrets.token_hex(4)}"
    with connected(cluster.admin) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{OWNER}'")
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {OWNER}")
    databases.create(cluster, dbname, owner=OWNER)
    yield Production(cluster, dbname, tmp_path)
    databases.drop(cluster, dbname)


@dataclass(frozen=True)
class Run:
    """What one run of the tool printed and returned."""

    status: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.stdout)
        return result

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [finding for finding in self.report["findings"] if finding["severity"] == "error"]

    @property
    def places(self) -> list[tuple[str, str, int | None]]:
        """Revision, SQLSTATE and line of every error."""
        return [
            (each["revision"], each["sqlstate"], each["location"]["line"] if each["location"] else None)
            for each in self.errors
        ]


Tool = Callable[..., Run]


def run_tool(*args: str, cwd: Path, env: Mapping[str, str] | None = None, timeout_s: float = 120) -> Run:
    """Run the command line in *cwd* with *env* added to this process's environment."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic_rehearsal", *args],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Run(done.returncode, done.stdout, done.stderr)


ONCE = ("--idempotence", "off", "--severity", "second-run-not-a-no-op=off")
"""Flags for a run that tries nothing again after an upgrade that went through: those trials are runs of the command."""

CUTS_ALONE = ("--idempotence", "retryable", "--instances", "1", "--severity", "not-repeatable=off")
"""Flags for `rehearse`: of the trials after an upgrade only deploys that die half-way."""


@pytest.fixture
def rehearse() -> Tool:
    """Run `alembic-rehearsal run` on a project and a dump, on this machine's local server, with a JSON report.

    The history from base, a second server and a second run of the command, is left to the tests that ask for it, and so
    are the trials after an upgrade that went through, which are runs of the command too: the test's own flags win.
    """

    def run(
        project: Path, dump: Path, *flags: str, env: Mapping[str, str] | None = None, from_base: bool = False
    ) -> Run:
        flags = (*ONCE, *flags) if from_base else (*ONCE, "--no-from-base", *flags)
        return run_tool("run", "--dump", str(dump), "--format", "json", *flags, cwd=project, env=env)

    return run
