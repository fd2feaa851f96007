"""However a run ends, nothing is left running and nothing on disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alembic_rehearsal import workdir
from alembic_rehearsal.postgres import engine
from fix_postgres import available, of_engine

# What the command line does with signals: an exception in the main thread.
_TOOL = """
import signal, sys, time
from pathlib import Path
from alembic_rehearsal import postgres, workdir
from alembic_rehearsal.model import Offer

def interrupted(number, frame):
    raise KeyboardInterrupt(number)

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, interrupted)
provider, location, wait = sys.argv[1:]
offer = next(o for o in postgres.offers([provider])[0] if o.location == location)
try:
    with workdir.run_directory(expected_bytes=0) as run:
        place = run / "0"
        place.mkdir(mode=0o755)
        print(place, flush=True)
        with postgres.start(offer, workdir=place, password="x") as cluster:
            if wait == "ready":
                cluster.ready(60)
                print("up", cluster.admin.port, flush=True)
            else:
                print("starting", flush=True)
            time.sleep(60)
except KeyboardInterrupt:
    sys.exit(130)
"""


def _tool(wait: str, *, provider: str = "local", location: str | None = None) -> tuple[subprocess.Popen[bytes], Path]:
    if location is None:
        offer = available()[0]
        provider, location = offer.provider, offer.location
    argv = [sys.executable, "-c", _TOOL, provider, location, wait]
    tool = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert tool.stdout is not None
    place = Path(tool.stdout.readline().decode().strip())
    tool.stdout.readline()
    return tool, place


def _working_under(place: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink().is_relative_to(place):
                    found.append(entry.name)
            except OSError:
                continue
    return found


def _postmaster(place: Path) -> int:
    [pid_file] = place.glob("data*/postmaster.pid")
    return int(pid_file.read_text().split("\n")[0])


def _shared_memory(creator: int) -> list[str]:
    """Return the System V segments that a process has made and nobody removed; the fifth column is the creator."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return [line for line in lines if line.split()[4] == str(creator)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("wait", ["ready", "starting"])
def test_a_signal_leaves_nothing(number: signal.Signals, wait: str) -> None:
    """Ctrl-C, a cancelled CI job, a closed terminal; with the server up or just coming up."""
    tool, place = _tool(wait)
    tool.send_signal(number)
    status = tool.wait(60)
    assert tool.stdout is not None
    tool.stdout.close()

    assert status == 130
    assert not place.parent.exists()
    assert _working_under(place) == []


def test_two_signals_leave_nothing_after_the_next_run() -> None:
    """The second comes in the middle of the clean-up; whatever it leaves is dead and swept."""
    for delay_s in (0.0, 0.002, 0.01, 0.03):
        tool, place = _tool("ready")
        tool.send_signal(signal.SIGINT)
        time.sleep(delay_s)
        tool.send_signal(signal.SIGTERM)
        _wait(tool)
        assert tool.stdout is not None
        tool.stdout.close()
        deadline = time.monotonic() + 10
        workdir.sweep()
        while (place.parent.exists() or _working_under(place)) and time.monotonic() < deadline:
            time.sleep(0.05)  # a server that the kernel has told needs a moment
            workdir.sweep()

        assert not place.parent.exists()
        assert _working_under(place) == []


def _wait(tool: subprocess.Popen[bytes]) -> None:
    """Wait for its end; an exception that came while Python called a destructor was lost, and is sent again."""
    for _ in range(10):
        try:
            tool.wait(6)
            return
        except subprocess.TimeoutExpired:
            tool.send_signal(signal.SIGTERM)
    tool.wait(1)


def test_a_kill_stops_the_server_and_the_next_run_sweeps() -> None:
    """SIGKILL gives the tool no time; the kernel tells the server, and the lock is free."""
    tool, place = _tool("ready")
    postmaster = _postmaster(place)
    assert len(_shared_memory(postmaster)) == 1
    tool.kill()
    tool.wait()
    assert tool.stdout is not None
    tool.stdout.close()
    deadline = time.monotonic() + 10
    while _working_under(place) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert _working_under(place) == []
    assert _shared_memory(postmaster) == []
    with workdir.run_directory():
        assert not place.parent.exists()


def test_a_server_without_its_tool_is_ended_by_the_sweep() -> None:
    """Where no kernel tells it (macOS), the next run finds the pid file and stops the server."""
    tool, place = _tool("ready")
    postmaster = _postmaster(place)
    # A server that stopped listening to signals but SIGKILL: as if the death signal had been lost.
    os.kill(postmaster, signal.SIGSTOP)
    tool.kill()
    tool.wait()
    assert tool.stdout is not None
    tool.stdout.close()
    os.kill(postmaster, signal.SIGCONT)
    with workdir.run_directory():
        pass

    assert not place.parent.exists()
    assert _working_under(place) == []


@pytest.mark.docker
def test_a_killed_tool_s_container_goes_by_itself() -> None:
    """Its input is closed then, which ends the server; the engine removes it with its volume."""
    tool, place = _tool("ready", provider="docker", location=of_engine()[0].location)
    tool.kill()
    tool.wait()
    assert tool.stdout is not None
    tool.stdout.close()
    deadline = time.monotonic() + 20
    label = f"alembic-rehearsal={place}"
    with engine.connected(10) as api:
        while time.monotonic() < deadline:
            left = api.containers(all=True, filters={"label": label})
            if not left:
                break
            time.sleep(0.1)

    assert left == []
    workdir.sweep()
