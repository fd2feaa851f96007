"""Trials that are forked where the command waited for its first connection find what started ones find, and go."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_again import STAMPED, TEAMS, of, rehearsed

from fix_projects import ENV, Production, write_project

PLAIN = ENV.format(configure="")
THREAD = "import threading, time\nthreading.Thread(target=time.sleep, args=(3,), daemon=True).start()\n" + PLAIN
PIPE = "import os\nkept = os.pipe()\n" + PLAIN
LOCK = "import fcntl, tempfile\nkept = tempfile.TemporaryFile()\nfcntl.flock(kept, fcntl.LOCK_EX)\n" + PLAIN
LOOP = """\
import asyncio
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine("postgresql+asyncpg://any:thing@any/thing", poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)

asyncio.run(main())
"""
# What the first process takes away at its end is there for it alone.
FILE = (
    "import atexit, os, tempfile\nfd, path = tempfile.mkstemp()\nos.close(fd)\natexit.register(os.unlink, path)\n"
    + PLAIN.replace("with engine", "with engine", 1).replace(
        "    context.configure(", "    open(path).close()\n    context.configure("
    )
)
COUNTED = "import os, sys\nopen(os.environ['COUNT'], 'a').write('.')\nsys.stdout.write('once')\n" + PLAIN


@pytest.mark.parametrize(
    ("env", "forked"), [(PLAIN, True), (THREAD, False), (PIPE, False), (LOCK, False), (LOOP, False), (FILE, True)]
)
def test_the_result_is_the_same_where_a_fork_is_possible_and_where_it_is_not(
    env: str, forked: bool, production: Production, tmp_path: Path
) -> None:
    """A red that a lost file is to blame for is looked at again, with a command that starts anew."""
    run = rehearsed(write_project(tmp_path / "p", {"0001": "", "0002": TEAMS}, env=env), production)

    checks = [(each["check"], each["severity"]) for each in run.report["findings"]]
    assert run.status == 0, run.stdout + run.stderr
    assert checks == [("not-race-safe", "warning"), ("not-repeatable", "warning")]
    assert ("second run (forked)" in run.report["timings"]) is forked
    assert ("second run" in run.report["timings"]) is (not forked or env == FILE)


def test_the_imports_are_made_once(production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process imports env.py for the true run and five trials; what it printed before is not printed again."""
    count = tmp_path / "count"
    monkeypatch.setenv("COUNT", str(count))

    run = rehearsed(write_project(tmp_path / "p", {"0001": "", "0002": TEAMS}, env=COUNTED), production, "--verbose")

    assert count.read_text() == "."
    assert run.stderr.count("once") == 1
    assert of(run, "not-repeatable")


READS = COUNTED.replace(
    "import os, sys\n",
    "import os, sys\nfrom alembic import context\nfrom alembic.script import ScriptDirectory\n"
    "assert ScriptDirectory.from_config(context.config).get_heads() == ['0002']\n",
)


@pytest.mark.parametrize(
    ("env", "starts"),
    [
        # The true run, the history from base without the remedy, and with it: those have servers of their own.
        pytest.param(COUNTED, 3, id="plain"),
        # Besides, the remedy on production's schema and once more: the revisions that it replaces were read already.
        pytest.param(READS, 5, id="reads the revisions first"),
        # And the survey, which finds no file any more, begins anew.
        pytest.param(COUNTED.replace(PLAIN, FILE), 6, id="a file that is gone"),
        pytest.param(COUNTED.replace(PLAIN, THREAD), 6, id="a thread"),
    ],
)
def test_a_survey_and_a_remedy_begin_there_too(
    env: str, starts: int, production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And say the same where they can't."""
    count = tmp_path / "count"
    monkeypatch.setenv("COUNT", str(count))
    production.execute("CREATE TABLE teams (id int)")
    # The history of each is one that no cache has.
    project = write_project(tmp_path / "p", {"0001": "", "0002": TEAMS}, env=f"# {tmp_path}\n{env}")

    run = rehearsed(project, production, "--divergence", "off")

    assert run.status == 1, run.stdout + run.stderr
    assert [(each["check"], each["sqlstate"]) for each in run.errors] == [("upgrade-failed", "42P07")]
    first, *_ = run.errors[0]["remedies"]
    assert (first["kind"], first["trial"]["outcome"]) == ("guard", "passed")
    assert len(count.read_text()) == starts


def alive(marker: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (entry / "environ").read_bytes() and (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    """A TMPDIR that a server's account may enter, so that the exchange with a trial is seen there."""
    made = Path(tempfile.mkdtemp(prefix="ar-test-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, None])
def test_nothing_of_a_trial_outlives_the_tool(
    number: int | None, production: Production, tmp_path: Path, folder: Path
) -> None:
    """Not the copy that trials begin from, not a trial in the middle of its work."""
    production.execute(STAMPED)
    slow = ENV.format(configure="").replace(
        "        context.run_migrations()",
        "        import os, sqlalchemy as sa\n"
        "        if os.environ['ALEMBIC_REHEARSAL_DIR'].endswith('-forked'):\n"
        "            connection.execute(sa.text('SELECT pg_sleep(' + os.environ['REHEARSAL_SLEEP'] + ')'))\n"
        "        context.run_migrations()",
    )
    project = write_project(tmp_path / "p", {"0001": "", "0002": TEAMS}, env=slow)
    marker = f"forked-{os.getpid()}-{number}"
    environ = {**os.environ, "REHEARSAL_MARKER": marker, "REHEARSAL_SLEEP": "0.1" if number is None else "300"}
    tool = subprocess.Popen(
        [sys.executable, "-m", "alembic_rehearsal", "run", "--dump", str(production.dump())],
        cwd=project,
        env={**environ, "TMPDIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if number is not None:
        deadline = time.monotonic() + 60
        while not list(folder.rglob("beside-1-forked/pid")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        forked = list(folder.rglob("beside-1-forked/pid"))
        tool.send_signal(number)
        assert forked, "no trial was forked"

    tool.wait(60)

    deadline = time.monotonic() + 10
    while alive(marker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert alive(marker) == []
