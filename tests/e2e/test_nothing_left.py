"""No way out of a run leaves a process or a file behind."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fix_projects import Production, Tool, write_project

STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY);
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('0001');
"""
USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))'
SLEEP = 'op.execute("SELECT pg_sleep(300)")'


def ours(marker: str) -> dict[int, str]:
    """Return the processes whose environment has *marker*: pid -> command."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if marker.encode() in (entry / "environ").read_bytes():
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
    return {pid: command for pid, command in found.items() if command}


@pytest.fixture
def slow(production: Production, tmp_path: Path) -> tuple[Path, Path]:
    """A project whose pending revision sleeps, and its dump."""
    production.execute(STAMPED)
    return write_project(tmp_path / "project", {"0001": USERS, "0002": SLEEP}), production.dump()


@pytest.fixture
def private_tmp(tmp_path: Path) -> Iterator[Path]:
    """A TMPDIR of the test's own, so that what is left can be seen."""
    folder = Path("/tmp") / f"ar-test-{os.getpid()}-{tmp_path.name[-12:]}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def left_in(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if not path.name.startswith("alembic-rehearsal-")
    )


def start(slow: tuple[Path, Path], marker: str, folder: Path, **kwargs: object) -> subprocess.Popen[bytes]:
    project, dump = slow
    environ = {**os.environ, "REHEARSAL_TEST_MARKER": marker, "TMPDIR": str(folder)}
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "alembic_rehearsal", "run", "--dump", str(dump)], cwd=project, env=environ, **kwargs
    )


def wait_for_sleep(marker: str, folder: Path, timeout_s: float = 60) -> None:
    """Wait until the migration is asleep in the throw-away server."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for events in folder.rglob("events.jsonl"):
            if '"begin"' in events.read_text() and '"0002"' in events.read_text():
                time.sleep(0.2)
                return
        time.sleep(0.05)
    raise AssertionError(f"the migration never began: {ours(marker)}")


def gone(marker: str, timeout_s: float = 10) -> dict[int, str]:
    """Return what is still there of *marker*'s processes after at most *timeout_s*."""
    deadline = time.monotonic() + timeout_s
    while (found := ours(marker)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_leaves_nothing(
    number: signal.Signals, slow: tuple[Path, Path], private_tmp: Path
) -> None:
    """The command, the server and their files are gone; the exit status is 130."""
    marker = f"{private_tmp.name}-{number}"
    tool = start(slow, marker, private_tmp, stderr=subprocess.PIPE)
    wait_for_sleep(marker, private_tmp)

    tool.send_signal(number)
    _, stderr = tool.communicate(timeout=20)

    assert tool.returncode == 130, stderr
    assert gone(marker) == {}
    assert left_in(private_tmp) == []


def test_a_second_signal_does_not_stop_the_clean_up(slow: tuple[Path, Path], private_tmp: Path) -> None:
    """An impatient ^C ^C leaves nothing either."""
    marker = f"{private_tmp.name}-twice"
    tool = start(slow, marker, private_tmp, stderr=subprocess.DEVNULL)
    wait_for_sleep(marker, private_tmp)

    tool.send_signal(signal.SIGINT)
    tool.send_signal(signal.SIGINT)
    tool.send_signal(signal.SIGTERM)

    assert tool.wait(timeout=20) == 130
    assert gone(marker) == {}
    assert left_in(private_tmp) == []


def test_a_closed_terminal_leaves_nothing(slow: tuple[Path, Path], private_tmp: Path) -> None:
    """Closing the window hangs up the session; nothing that is written afterwards gets in the way."""
    marker = f"{private_tmp.name}-terminal"
    leader, follower = pty.openpty()
    tool = start(
        slow, marker, private_tmp, stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
        preexec_fn=_controlling_terminal,
    )  # fmt: skip
    os.close(follower)
    wait_for_sleep(marker, private_tmp)

    os.close(leader)

    assert tool.wait(timeout=20) == 130
    assert gone(marker) == {}
    assert left_in(private_tmp) == []


def _controlling_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_after_a_kill_the_processes_die_and_the_next_run_sweeps_the_files(
    slow: tuple[Path, Path], private_tmp: Path
) -> None:
    """SIGKILL can't be caught: the kernel ends the children, and the next run takes the directory away."""
    marker = f"{private_tmp.name}-kill"
    tool = start(slow, marker, private_tmp, stderr=subprocess.DEVNULL)
    wait_for_sleep(marker, private_tmp)

    tool.kill()
    tool.wait(timeout=20)

    assert gone(marker) == {}
    assert left_in(private_tmp) != []
    project, dump = slow
    (project / "migrations" / "versions" / "0002.py").unlink()
    again = start((project, dump), marker, private_tmp, stdout=subprocess.DEVNULL)
    assert again.wait(timeout=60) == 0
    assert left_in(private_tmp) == []


def test_success_failure_and_no_verdict_leave_nothing(
    slow: tuple[Path, Path], private_tmp: Path, rehearse: Tool, production: Production
) -> None:
    """The ordinary ways out."""
    project, dump = slow
    revision = project / "migrations" / "versions" / "0002.py"
    marker = f"{private_tmp.name}-ways"
    environ = {"TMPDIR": str(private_tmp), "REHEARSAL_TEST_MARKER": marker}
    bad = dump.with_name("bad.sql")
    bad.write_text("this is no dump")
    for body, used, status in (("pass", dump, 0), ("op.drop_table('legacy')", dump, 1), ("pass", bad, 3)):
        revision.write_text(revision.read_text().replace(SLEEP, body))

        assert rehearse(project, used, env=environ).status == status

        assert gone(marker) == {}
        assert left_in(private_tmp) == []
        revision.write_text(revision.read_text().replace(body, SLEEP))


def test_a_hanging_migration_ends_at_the_time_limit_without_a_verdict(slow: tuple[Path, Path], rehearse: Tool) -> None:
    """The report says what was running."""
    project, dump = slow

    done = rehearse(project, dump, "--timeout", "8")

    assert done.status == 3, done.stdout + done.stderr
    [finding] = done.report["findings"]
    assert (finding["check"], finding["revision"]) == ("ran-out-of-time", "0002")
    assert "pg_sleep(300)" in finding["evidence"][0]


def test_a_lock_held_by_the_commands_own_second_connection_is_shown(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """It would hang in production too; the query that holds the lock stands in the report."""
    body = """
    op.execute("ALTER TABLE users ADD phone text")
    with sa.create_engine(op.get_bind().engine.url).connect() as second:
        second.execute(sa.text("SELECT count(*) FROM users"))
    """
    production.execute(STAMPED)
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    done = rehearse(project, production.dump(), "--timeout", "8")

    assert done.status == 3, done.stdout + done.stderr
    [finding] = done.report["findings"]
    assert "SELECT count(*) FROM users" in finding["evidence"][0]
    assert "holds the lock: ALTER TABLE users ADD phone text" in finding["evidence"][0]


def test_two_runs_at_once_do_not_disturb_each_other(slow: tuple[Path, Path], private_tmp: Path) -> None:
    """Each has its own server, port and directory."""
    project, dump = slow
    (project / "migrations" / "versions" / "0002.py").unlink()

    runs = [start((project, dump), f"m{n}", private_tmp, stdout=subprocess.DEVNULL) for n in range(3)]

    assert [run.wait(timeout=120) for run in runs] == [0, 0, 0]
    assert left_in(private_tmp) == []
