"""A server that stands for the throw-away one, a listener that stands for production, and small projects."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg2 import sql

from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Endpoint
from alembic_rehearsal.postgres import Cluster
from harness import Production

PASSWORD = "x' y\\z%&@:/#?"


@pytest.fixture
def login(cluster: Cluster) -> str:
    """Return a superuser that logs in with a password made of every character that quoting may get wrong."""
    name = "probe login"
    with connected(cluster.admin) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,))
        # Tests of dumps wipe the server that they share with these.
        verb = sql.SQL("ALTER" if cursor.rowcount else "CREATE")
        statement = sql.SQL("{} ROLE {} SUPERUSER LOGIN PASSWORD {}")
        cursor.execute(statement.format(verb, sql.Identifier(name), sql.Literal(PASSWORD)))
    return name


@pytest.fixture
def endpoint(cluster: Cluster, database: str, login: str) -> Endpoint:
    """Return the way to a fresh database, as a rehearsed command gets it."""
    with connected(cluster.admin) as connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database} SET alembic_rehearsal.fingerprint = 'of the test'")
    return cluster.endpoint(database, user=login, password=PASSWORD)


@pytest.fixture
def production() -> Iterator[Production]:
    """Return a listener, and fail the test if anything has connected to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Production(listener.getsockname()[1])

        def accept() -> None:
            while True:
                try:
                    connection, address = listener.accept()
                except OSError:
                    return
                found.visits.append(str(address))
                connection.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield found
        # accept() doesn't return when its socket is closed by another thread, only when it is shut down.
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert found.visits == []


@pytest.fixture
def exchange(tmp_path: Path) -> Path:
    """Return the private directory of a rehearsal."""
    directory = tmp_path / "exchange"
    directory.mkdir()
    return directory


ENV = """
from alembic import context
from sqlalchemy import create_engine, pool

{top}
engine = {engine}
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None{configure})
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a small Alembic project and returns its root."""

    def make(
        *bodies: str,
        engine: str = "create_engine('{url}')",
        url: str = "postgresql+psycopg2://prod:secret@production.invalid/proddb",
        top: str = "",
        configure: str = "",
    ) -> Path:
        root = tmp_path / "project"
        versions = root / "migrations" / "versions"
        versions.mkdir(parents=True)
        (root / "alembic.ini").write_text(f"[alembic]\nscript_location = migrations\nsqlalchemy.url = {url}\n")
        text = ENV.format(top=top, engine=engine.replace("{url}", url), configure=configure)
        (root / "migrations" / "env.py").write_text(text)
        for number, body in enumerate(bodies, 1):
            down = repr(f"r{number - 1}") if number > 1 else None
            lines = "\n".join("    " + line for line in body.strip().splitlines())
            (versions / f"r{number}.py").write_text(
                f'"""number {number}"""\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
                f'revision = "r{number}"\ndown_revision = {down}\n\n\ndef upgrade():\n{lines}\n'
            )
        return root

    return make
