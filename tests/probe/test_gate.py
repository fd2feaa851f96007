"""The first connection waits for the database; what leads elsewhere is refused; a broken probe connects nothing."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from alembic_rehearsal import probe
from alembic_rehearsal.model import Endpoint
from harness import Production, Project, alembic, read_events, run


def python(body: str, tmp_path: Path) -> list[str]:
    """Return a command that runs *body*."""
    path = tmp_path / "snippet.py"
    path.write_text(body)
    return [sys.executable, str(path)]


def test_the_first_connection_waits_until_the_database_is_ready(
    endpoint: Endpoint, exchange: Path, tmp_path: Path
) -> None:
    """What comes before it has run by then, and the environment has the final login afterwards."""
    body = (
        "import os, time, psycopg2\nprint(os.environ['PGUSER'], flush=True)\nt = time.time()\n"
        "psycopg2.connect('host=nowhere')\n"
        "print(time.time() - t > 0.4, os.environ['PGUSER'], os.environ['DATABASE_URL'])"
    )

    done = run(python(body, tmp_path), cwd=tmp_path, endpoint=endpoint, directory=exchange, ready_after_s=0.8)

    first, second = done.output.splitlines()
    assert first == "rehearsal_login"
    assert second.startswith("True probe login postgresql://probe%20login:")


@pytest.mark.parametrize("how", ["abort", "gone"])
def test_a_command_that_waits_ends_when_the_tool_gives_up(
    endpoint: Endpoint, exchange: Path, tmp_path: Path, how: str
) -> None:
    """With a status of its own, also when the directory has gone."""

    def give_up() -> None:
        if how == "abort":
            (exchange / "abort").touch()
        else:
            exchange.rename(tmp_path / "elsewhere")

    timer = threading.Timer(1, give_up)
    timer.start()
    began = time.monotonic()

    done = run(
        python("import psycopg2; psycopg2.connect('')", tmp_path),
        cwd=tmp_path,
        endpoint=endpoint,
        directory=exchange,
        ready_after_s=50,
    )

    assert done.status == 75
    assert time.monotonic() - began < 20


def test_without_a_rehearsal_the_probe_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PYTHONPATH alone it changes nothing in the process."""
    import subprocess

    body = "import sys, os; print('rehearsal_probe' in sys.modules, os.system.__module__, len(sys.meta_path))"
    plain = subprocess.check_output(python(body, tmp_path), text=True)
    monkeypatch.setenv("PYTHONPATH", probe.DIRECTORY)

    assert subprocess.check_output(python(body, tmp_path), text=True) == plain


@pytest.mark.parametrize(
    "body",
    [
        "import socket; socket.create_connection(('127.0.0.1', PORT), 3)",
        "import socket; socket.socket().connect(('127.0.0.1', PORT))",
        "import socket, os; e = socket.socket().connect_ex(('127.0.0.1', PORT)); raise OSError(e, os.strerror(e))",
        "import asyncio; asyncio.run(asyncio.wait_for(asyncio.open_connection('127.0.0.1', PORT), 5))",
        "import urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{PORT}', timeout=3)",
        "import socket; socket.socket(socket.AF_UNIX).connect('/nowhere/.s.PGSQL.5432')",
    ],
)
def test_sockets_to_other_places_are_refused(
    body: str, endpoint: Endpoint, exchange: Path, tmp_path: Path, production: Production
) -> None:
    """With an error that says who refused, and an event that says where it wanted to go and from which line."""
    done = run(
        python(f"PORT = {production.port}\n{body}", tmp_path), cwd=tmp_path, endpoint=endpoint, directory=exchange
    )

    event = done.of("connect", outcome="refused")[0]
    assert (event["via"], event["line"]) == ("socket", 2)
    assert Path(event["path"]).name == "snippet.py"
    assert "alembic-rehearsal refused" in event["reason"]
    assert "alembic-rehearsal refused" in done.output or "Permission denied" in done.output


def test_allowed_sockets_are_left_alone(endpoint: Endpoint, exchange: Path, tmp_path: Path) -> None:
    """The database itself, a Unix socket of the project's own, and a port that is allowed."""
    body = (
        f"import socket, os\nsocket.create_connection(('localhost', {endpoint.port})).close()\n"
        "s = socket.socket(socket.AF_UNIX); s.bind('own.sock'); s.listen()\n"
        "socket.socket(socket.AF_UNIX).connect('own.sock')\na, b = socket.socketpair()\n"
        "try:\n    socket.create_connection(('127.0.0.1', 443), 2)\nexcept ConnectionRefusedError:\n    pass\n"
        "print('done')"
    )

    done = run(python(body, tmp_path), cwd=tmp_path, endpoint=endpoint, directory=exchange)

    assert done.output == "done\n"
    assert done.of("connect") == []


def test_another_database_is_left_alone_and_reported(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """An env.py that falls back to SQLite reaches nothing of ours."""
    done = run(alembic("upgrade", "head"), cwd=project("pass", url="sqlite://"), endpoint=endpoint, directory=exchange)

    assert done.status == 0, done.output
    connect = done.one("connect")
    assert (connect["outcome"], connect["dialect"], Path(connect["path"]).name) == ("elsewhere", "sqlite", "env.py")
    assert done.of("statement") == []


def test_a_login_that_the_server_refuses_is_a_failed_connection(
    endpoint: Endpoint, exchange: Path, project: Project
) -> None:
    """The password is in no event."""
    from dataclasses import replace

    done = run(
        alembic("upgrade", "head"),
        cwd=project("pass"),
        endpoint=replace(endpoint, password="wrong-one"),
        directory=exchange,
    )

    assert done.one("connect")["outcome"] == "failed"
    assert done.one("exception", final=True)["phase"] == "env"
    assert "wrong-one" not in (exchange / "events.jsonl").read_text()


def test_a_probe_that_fails_refuses_every_connection(
    endpoint: Endpoint, exchange: Path, tmp_path: Path, production: Production
) -> None:
    """A fault is reported and there is no connection from then on, neither to production nor to the database."""
    body = (
        "import sys\nfrom rehearsal_probe import report\nreport.fault('test', ValueError('broken'))\nimport psycopg2\n"
        f"psycopg2.connect({production.url!r})"
    )

    done = run(python(body, tmp_path), cwd=tmp_path, endpoint=endpoint, directory=exchange)

    assert done.one("probe-error")["text"] == "test: ValueError: broken"
    assert done.one("connect")["outcome"] == "refused"
    assert "ConnectionRefusedError" in done.output.replace("Refused:", "ConnectionRefusedError")


def test_a_probe_that_cannot_start_ends_the_process(endpoint: Endpoint, exchange: Path, tmp_path: Path) -> None:
    """Unguarded the command must not go on."""
    (tmp_path / "rehearsal_probe.py").write_text("")

    done = run(
        [sys.executable, "-c", "print('unguarded')"],
        cwd=tmp_path,
        endpoint=endpoint,
        directory=exchange,
        env={"PYTHONPATH": str(tmp_path)},
    )
    broken = run_with_shadow(tmp_path, exchange)

    assert done.output == "unguarded\n"  # a module of that name behind the probe changes nothing
    assert broken == 75
    assert read_events(exchange)[-1]["event"] == "probe-error"


def run_with_shadow(tmp_path: Path, exchange: Path) -> int:
    """Start Python with a module before the probe that hides its package."""
    import os
    import subprocess

    variables = dict(os.environ, ALEMBIC_REHEARSAL_DIR=str(exchange))
    variables["PYTHONPATH"] = os.pathsep.join([str(tmp_path), probe.DIRECTORY])
    return subprocess.run([sys.executable, "-c", "print('unguarded')"], env=variables, check=False).returncode


def test_a_sitecustomize_that_the_probe_hides_is_run(endpoint: Endpoint, exchange: Path, tmp_path: Path) -> None:
    """It is the module that `import sitecustomize` gives, as without the probe."""
    (tmp_path / "sitecustomize.py").write_text("MARK = 'mine'\n")

    done = run(
        [sys.executable, "-c", "import sitecustomize as s; print(s.MARK, s.__spec__.origin)"],
        cwd=tmp_path,
        endpoint=endpoint,
        directory=exchange,
        env={"PYTHONPATH": str(tmp_path)},
    )

    assert done.output == f"mine {tmp_path / 'sitecustomize.py'}\n"


def test_the_probe_stays_off_the_projects_path_and_in_its_children(endpoint: Endpoint, exchange: Path) -> None:
    """A child that is given the parent's own path for PYTHONPATH has the probe too."""
    program = (
        "import os, subprocess, sys\n"
        f"print({probe.DIRECTORY!r} in sys.path, 'rehearsal_probe' in sys.modules, flush=True)\n"
        "env = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))\n"
        "if len(sys.argv) == 1:\n"
        "    subprocess.run([sys.executable, __file__, 'child'], env=env, check=True)\n"
    )
    script = exchange / "program.py"
    script.write_text(program)

    done = run([sys.executable, str(script)], cwd=exchange, endpoint=endpoint, directory=exchange)

    assert done.output == "False True\nFalse True\n"
