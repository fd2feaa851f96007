"""Databases that stand for production, on one real server: taken through a history, copied, altered, dumped."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from psycopg2 import sql

from alembic_rehearsal import postgres, workdir
from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import LogRecord
from alembic_rehearsal.postgres import Cluster, databases

OWNER = "deploy"
"""The ordinary role that owns production and migrates it."""


@dataclass(frozen=True, slots=True)
class Server:
    """The server that holds every production."""

    cluster: Cluster
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)

    def prepare(self) -> None:
        """Make the role that owns production."""
        with connected(self.cluster.admin) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (OWNER,))
            verb = "ALTER" if cursor.rowcount else "CREATE"
            statement = sql.SQL(f"{verb} ROLE {{}} LOGIN PASSWORD %s").format(sql.Identifier(OWNER))
            cursor.execute(statement, (self.password,))

    def create(self, name: str, *, template: str | None = None) -> None:
        """Make production, empty or as a copy, in place of what has its name."""
        databases.drop(self.cluster, name)
        databases.create(self.cluster, name, template=template, owner=OWNER)

    def address(self, name: str) -> str:
        """Return user:password@host:port/dbname of a production."""
        end = self.cluster.endpoint(name, user=OWNER, password=self.password)
        return f"{end.user}:{end.password}@{end.host}:{end.port}/{end.dbname}"

    def execute(self, name: str, statements: Sequence[str]) -> None:
        """Do to a production what somebody did by hand, as its owner."""
        with connected(replace(self.cluster.admin, dbname=name)) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
            for statement in statements:
                cursor.execute(statement)

    def rows(self, name: str, query: str) -> list[tuple[object, ...]]:
        """Return what a query finds in a production."""
        with connected(replace(self.cluster.admin, dbname=name)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def at(self, name: str) -> frozenset[str]:
        """Return the rows of alembic_version."""
        if self.rows(name, "SELECT to_regclass('alembic_version')") == [(None,)]:
            return frozenset()
        return frozenset(str(row[0]) for row in self.rows(name, "SELECT version_num FROM alembic_version"))

    def client(self, program: str) -> list[str]:
        """Return the command line of one of PostgreSQL's client programs, as superuser."""
        admin = self.cluster.admin
        return [f"{self.cluster.offer.location}/{program}", "-h", admin.host, "-p", str(admin.port), "-U", admin.user]

    def dump(self, name: str, file: Path, *, rows: Sequence[str] = ()) -> None:
        """Write schema and version rows of a production as the README's recipe does, and the rows of more tables."""
        tool = self.client("pg_dump")
        with file.open("wb") as out:
            wanted = [f"--table=*.{table}" for table in ("alembic_version", *rows)]
            for part in (["--schema-only"], ["--data-only", *wanted]):
                out.write(subprocess.run([*tool, *part, name], check=True, capture_output=True).stdout)

    def log(self, name: str, since: int) -> list[LogRecord]:
        """Return the errors that the server logged for a production."""
        records, _ = self.cluster.log(since)
        return [each for each in records if each.dbname == name and each.severity in ("ERROR", "FATAL", "PANIC")]


@contextmanager
def server(major: int = 15) -> Iterator[Server]:
    """Run a server of this major version, or of the nearest later one that there is."""
    offers = postgres.offers(("local", "embedded"))[0]
    offer = min((each for each in offers if each.major >= major), key=lambda each: each.major)
    with workdir.run_directory() as place, postgres.start(offer, workdir=place, password="unused") as cluster:
        cluster.ready(60)
        found = Server(cluster)
        found.prepare()
        yield found
