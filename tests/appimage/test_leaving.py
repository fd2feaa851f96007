"""However the rehearsal in an image ends: no container and no volume is left, and what was seen until then is known."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fix_images import FAILS, Build, containers, docker, project, workspace

from fix_projects import ENV, ONCE, Run, run_tool

pytestmark = pytest.mark.docker

SLOW = "import time\ntime.sleep(120)\n"


@dataclass
class Started:
    """A run in the middle of it.

    Attributes:
        container: the command's.
        server: the throw-away server's container.
        volumes: of both.
    """

    process: subprocess.Popen[str]
    container: str
    server: str
    volumes: list[str]

    def left(self) -> list[str]:
        """Return what is still there."""
        there = docker("ps", "-aq", "--no-trunc").split()
        return [each for each in (self.container, self.server) if each in there] + [
            each for each in self.volumes if each in docker("volume", "ls", "-q").split()
        ]

    def gone(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self.left() and time.monotonic() < deadline:
            time.sleep(0.1)
        return not self.left()


def start(image: str, cwd: Path, *, until: Callable[[str], bool]) -> Started:
    """Start a run and wait until *until* says yes to the id of the command's container."""
    process = subprocess.Popen(
        [sys.executable, "-m", "alembic_rehearsal", "run", "--app-image", image, "--dump", "production.sql"],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        for each in containers(image):
            mode = docker("inspect", "-f", "{{.HostConfig.NetworkMode}}", each, check=False)
            if mode.startswith("container:") and until(each):
                server = mode.partition(":")[2]
                return Started(process, each, server, [*volumes(each), *volumes(server)])
        time.sleep(0.1)
    process.kill()
    raise AssertionError(f"it never got there: {process.communicate()[0]}")


def volumes(container: str) -> list[str]:
    mounts = json.loads(docker("inspect", "-f", "{{json .Mounts}}", container))
    return [each["Name"] for each in mounts if each["Type"] == "volume"]


def at(marker: str) -> Callable[[str], bool]:
    """Return what says whether the command has got to where it makes /data/*marker*."""
    return lambda container: docker("exec", container, "ls", "/data", check=False).count(marker) > 0


@pytest.fixture
def image(build: Build, tmp_path: Path) -> str:
    """An application that sleeps in its revision, and has a volume."""
    body = f"open('/data/upgrading', 'w')\n{SLOW}"
    return build(project(tmp_path / "project", body), "VOLUME /data")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing(image: str, tmp_path: Path, number: signal.Signals) -> None:
    """Within the ten seconds that a cancelled job has."""
    run = start(image, workspace(tmp_path / "work"), until=at("upgrading"))
    assert len(run.volumes) >= 2
    began = time.monotonic()

    run.process.send_signal(number)
    said, _ = run.process.communicate(timeout=30)

    assert run.process.returncode == 130, said
    assert run.left() == []
    assert time.monotonic() - began < 10


def test_a_signal_while_it_starts_leaves_nothing(image: str, tmp_path: Path) -> None:
    """The container is made, and nothing has happened in it yet."""
    run = start(image, workspace(tmp_path / "work"), until=lambda _: True)

    run.process.send_signal(signal.SIGTERM)
    said, _ = run.process.communicate(timeout=30)

    assert run.process.returncode == 130, said
    assert run.left() == []


def test_a_signal_in_the_survey_leaves_nothing(build: Build, tmp_path: Path) -> None:
    """The history from base is being built beside it, on a server of its own."""
    body = f"{FAILS}\nopen('/data/surveying', 'w')\n{SLOW}"
    image = build(project(tmp_path / "project", body), "VOLUME /data")
    run = start(image, workspace(tmp_path / "work"), until=at("surveying"))
    others = [each for each in containers(image) if each != run.container]
    began = time.monotonic()

    run.process.send_signal(signal.SIGTERM)
    said, _ = run.process.communicate(timeout=30)

    assert run.process.returncode == 130, said
    assert run.left() == []
    assert containers(image) == [], others
    assert time.monotonic() - began < 10


def test_a_killed_tool_takes_everything_along(image: str, tmp_path: Path) -> None:
    """SIGKILL gives it no time: its containers' inputs are closed, which ends them, and the engine removes them."""
    run = start(image, workspace(tmp_path / "work"), until=at("upgrading"))

    run.process.kill()
    run.process.communicate()

    assert run.gone(20), run.left()


def test_a_command_whose_container_is_taken_away_gives_no_verdict(image: str, tmp_path: Path) -> None:
    """It did not fail: somebody else ended it."""
    run = start(image, workspace(tmp_path / "work"), until=at("upgrading"))

    docker("kill", run.container)
    said, _ = run.process.communicate(timeout=60)

    assert run.process.returncode == 3, said
    assert "the container of the command was ended from outside" in said
    assert run.gone(5), run.left()


def rehearse(image: str, cwd: Path, *flags: str) -> Run:
    usual = ("--app-image", image, "--dump", "production.sql", "--format", "json", *ONCE, "--no-from-base")
    done = run_tool("run", *usual, *flags, cwd=cwd)
    assert containers(image) == []
    return done


def test_what_it_did_until_its_time_was_over_is_known(build: Build, tmp_path: Path) -> None:
    """The last statement and its line, and what it printed."""
    body = "print('so far', flush=True)\nop.execute('SELECT pg_sleep(300)')"
    image = build(project(tmp_path / "project", body))

    done = rehearse(image, workspace(tmp_path / "work"), "--timeout", "8")

    assert done.status == 3, done.stdout + done.stderr
    [finding] = done.report["findings"]
    assert (finding["check"], finding["revision"]) == ("ran-out-of-time", "b2")
    assert "pg_sleep(300)" in finding["evidence"][0]
    assert "so far" in "\n".join(done.report["output_tail"])


def test_a_command_that_is_killed_has_ended_by_its_signal(build: Build, tmp_path: Path) -> None:
    """As by the kernel for want of memory; what it had done is in the report, and what it left running is gone."""
    body = """
    import os, subprocess, sys
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    op.add_column("users", sa.Column("email", sa.String(255)))
    os.kill(os.getpid(), 9)
    """
    image = build(project(tmp_path / "project", body))

    done = rehearse(image, workspace(tmp_path / "work"))

    assert done.status == 1, done.stdout + done.stderr
    assert "ended by signal 9" in done.report["findings"][0]["message"]
    assert done.report["to_revisions"] == ["a1"]


def test_what_is_printed_on_both_streams_is_the_commands_output(build: Build, tmp_path: Path) -> None:
    """Nothing of it gets among the events."""
    env = "import sys\nprint('on output', flush=True)\nprint('on errors', file=sys.stderr)\n" + ENV.format(configure="")
    image = build(project(tmp_path / "project", "raise SystemExit(7)", env=env))

    done = rehearse(image, workspace(tmp_path / "work"))

    assert done.status == 1, done.stdout + done.stderr
    assert done.report["output_tail"] == ["on output", "on errors"]
