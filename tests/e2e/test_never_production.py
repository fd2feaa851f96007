"""Whatever the project does, nothing but the throw-away server is reached."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alembic_rehearsal import sandbox
from fix_projects import ENV, Production, Tool, write_project

STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY);
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('0001');
"""
USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))'


@dataclass
class Listener:
    """A server that stands for production: it counts who comes."""

    port: int
    visits: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Listen on a port of the loopback interface and hang up on everybody."""
    server = socket.create_server(("127.0.0.1", 0))
    found = Listener(server.getsockname()[1])

    def accept() -> None:
        while True:
            try:
                connection, address = server.accept()
            except OSError:
                return
            found.visits.append(str(address))
            connection.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield found
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


# Each tries to reach {port} in its own way, and says so if it got there.
WAYS = {
    "engine of its own": 'sa.create_engine("postgresql://app@127.0.0.1:{port}/app").connect().close()',
    "psycopg2": 'import psycopg2; psycopg2.connect("host=127.0.0.1 port={port} dbname=app").close()',
    "several hosts": 'import psycopg2; psycopg2.connect(host="127.0.0.1,127.0.0.1", port="{port},{port}").close()',
    "asyncpg": (
        "import asyncio, asyncpg\n"
        'async def go():\n    await (await asyncpg.connect("postgresql://app@127.0.0.1:{port}/app")).close()\n'
        "import threading\nthread = threading.Thread(target=lambda: asyncio.run(go()))\nthread.start()\nthread.join()"
    ),
    "pg8000": 'import pg8000.native; pg8000.native.Connection("app", host="127.0.0.1", port={port}).close()',
}
KERNEL_WAYS = {
    "psql": (
        'import subprocess\nsubprocess.run(["psql", "-h", "127.0.0.1", "-p", "{port}", "-c", "SELECT 1"], timeout=20)'
    ),
    "isolated python": (
        "import subprocess, sys\n"
        "code = 'import socket; socket.create_connection((\"127.0.0.1\", {port}))'\n"
        'subprocess.run([sys.executable, "-I", "-S", "-c", code], timeout=20)'
    ),
    "C library": (
        "import ctypes, socket, struct\n"
        "s = socket.socket()\n"
        'address = struct.pack("=H", socket.AF_INET) + struct.pack("!H", {port}) + bytes([127, 0, 0, 1]) + bytes(8)\n'
        "ctypes.CDLL(None).connect(s.fileno(), address, len(address))"
    ),
}


def attempt(way: str, port: int) -> str:
    """Return the body of a revision that tries *way* and goes on, whatever comes of it."""
    lines = "\n".join(f"    {line}" for line in way.format(port=port).splitlines())
    return f"try:\n{lines}\nexcept Exception as error:\n    print('went wrong:', error)\n"


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_of_the_migrations_own_is_redirected(
    way: str, listener: Listener, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """It goes to the throw-away database, and the run passes as it would in production."""
    production.execute(STAMPED)
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": attempt(WAYS[way], listener.port)})

    done = rehearse(project, production.dump())

    assert listener.visits == []
    assert done.status == 0, done.stdout + done.stderr


@pytest.mark.skipif(not sandbox.available(), reason="Landlock with network rules needs Linux 6.7")
@pytest.mark.parametrize("way", KERNEL_WAYS)
def test_what_python_does_not_see_is_stopped_by_the_kernel(
    way: str, listener: Listener, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """A child process or a C library can't reach it either, and the report says that the guard was on."""
    if way == "psql" and not shutil.which("psql"):
        pytest.skip("psql is not on PATH")
    production.execute(STAMPED)
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": attempt(KERNEL_WAYS[way], listener.port)})

    done = rehearse(project, production.dump())

    assert listener.visits == []
    assert done.status == 0, done.stdout + done.stderr
    assert done.report["kernel_guard"] is True


@pytest.mark.skipif(not sandbox.available(), reason="Landlock with network rules needs Linux 6.7")
def test_the_throw_away_server_can_not_connect_out(
    listener: Listener, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """Production's schema holds foreign servers with their passwords; dblink is one line away."""
    body = f"""
    op.execute("CREATE EXTENSION dblink")
    op.execute("SELECT dblink_connect('host=127.0.0.1 port={listener.port} dbname=app user=app password=x')")
    """
    production.execute(STAMPED)
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    done = rehearse(project, production.dump(), "--platform", "render")

    assert listener.visits == []
    assert [each["check"] for each in done.report["findings"]] == ["outside-connection"], done.stdout + done.stderr


def test_environment_variables_and_service_files_do_not_lead_out(
    listener: Listener, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """The variables of libpq, a service file and a password file point nowhere but to the throw-away server."""
    service = tmp_path / "services.conf"
    service.write_text(f"[app]\nhost=127.0.0.1\nport={listener.port}\ndbname=app\n")
    body = """
    import psycopg2
    psycopg2.connect("service=app").close()
    psycopg2.connect("").close()
    """
    production.execute(STAMPED)
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    done = rehearse(
        project,
        production.dump(),
        env={
            "PGSERVICEFILE": str(service),
            "PGSERVICE": "app",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(listener.port),
            "DATABASE_URL": f"postgresql://app:secret@127.0.0.1:{listener.port}/app",
            "OTHER_URL": f"postgresql+asyncpg://app:secret@127.0.0.1:{listener.port}/app",
        },
    )

    assert listener.visits == []
    assert done.status == 0, done.stdout + done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_an_env_that_falls_back_to_sqlite_is_no_verdict(production: Production, tmp_path: Path, rehearse: Tool) -> None:
    """Nothing reached PostgreSQL, so nothing is proved."""
    env = ENV.format(configure="").replace(
        'engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)',
        '__import__("sqlalchemy").create_engine("sqlite://")',
    )
    production.execute(STAMPED)
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": "pass"}, env=env)

    done = rehearse(project, production.dump())

    assert done.status == 3, done.stdout + done.stderr
    assert done.report["findings"][0]["check"] == "no-connection"
    assert "sqlite" in str(done.report["findings"][0]["evidence"])


def test_a_connection_elsewhere_is_refused_and_told(
    listener: Listener, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """Another service of production's is out of reach as well; the report says where the command wanted to go."""
    production.execute(STAMPED)
    body = f'import socket\nsocket.create_connection(("127.0.0.1", {listener.port}))'
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    done = rehearse(project, production.dump())

    assert listener.visits == []
    assert done.status == 3, done.stdout + done.stderr
    [finding] = [each for each in done.report["findings"] if each["check"] == "refused-connection"]
    assert f"127.0.0.1:{listener.port}" in finding["message"]
