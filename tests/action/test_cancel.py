"""A cancelled job: everything is gone within the ten seconds that the runner gives."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable

import pytest
from fix_runner import Runner
from test_step import check_out, siblings

from fix_projects import ENV

pytestmark = pytest.mark.docker(alone=True)

SLOW = "import time\ntime.sleep(60)"
# A command that doesn't let itself be asked.
STUBBORN = """
import signal, time
for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(each, signal.SIG_IGN)
print('MOMENT', flush=True)
time.sleep(60)
"""
GIVEN = {"dump": "production.sql", "install": "none", "postgres": "docker", "verbose": "true"}


def until_the_moment(process: subprocess.Popen[str]) -> list[str]:
    """Read the log up to the word that the code says, and return it."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "MOMENT" in line:
            return seen
    raise AssertionError("".join(seen))


def gone(listed: Callable[[], list[str]], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while listed() and time.monotonic() < deadline:
        time.sleep(0.2)
    return not listed()


@pytest.mark.parametrize("number", ["INT", "TERM"])
@pytest.mark.parametrize("moment", ["install", "start", "upgrade"])
def test_a_signal_ends_everything(runner: Runner, moment: str, number: str) -> None:
    """While it installs, while the server starts, while the upgrade runs; the sibling goes too."""
    says = "import sys\nprint('MOMENT', flush=True)\n"
    env = ENV.format(configure="")
    body = f"{says}{SLOW}" if moment == "upgrade" else "pass"
    check_out(runner, body, env=says + env if moment == "start" else env)
    given = dict(GIVEN)
    if moment == "install":
        given["install"] = "python -u -c 'import time; print(\"MOMENT\"); time.sleep(60)'"

    process = runner.start(given, socket=True)
    seen = until_the_moment(process)
    began = time.monotonic()
    subprocess.run(["docker", "kill", "-s", number, runner.name], check=True, capture_output=True)
    step = runner.finished(process, began)

    assert step.status == 130, "".join(seen) + step.log
    assert step.outputs["verdict"] == "no verdict"
    assert step.seconds < 10
    assert siblings() == []


def test_the_runners_whole_sequence_leaves_nothing(runner: Runner) -> None:
    """INT to the engine's client, TERM after 7.5 s, KILL after 2.5 s more, while the command ignores all but the last.

    Source: ProcessInvoker.cs of https://github.com/actions/runner. A client that was killed would leave the container.
    """
    check_out(runner, STUBBORN)
    process = runner.start(GIVEN, socket=True)
    until_the_moment(process)
    began = time.monotonic()

    for number, wait_s in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5)):
        process.send_signal(number)
        try:
            process.wait(wait_s)
            break
        except subprocess.TimeoutExpired:
            continue
    else:
        process.kill()
    took = time.monotonic() - began
    running = subprocess.run(["docker", "inspect", runner.name], capture_output=True, check=False).returncode == 0
    step = runner.finished(process, began)

    assert step.status == 130, step.log
    assert took < 10
    assert not running
    assert step.outputs["verdict"] == "no verdict"
    assert siblings() == []


def test_a_container_that_is_killed_takes_its_sibling_along(runner: Runner) -> None:
    """No handler runs; the engine closes the sibling's input, which ends it, and removes it with its volume."""
    check_out(runner, f"print('MOMENT', flush=True)\n{SLOW}")
    process = runner.start(GIVEN, socket=True)
    until_the_moment(process)
    assert siblings()

    subprocess.run(["docker", "kill", "-s", "KILL", runner.name], check=True, capture_output=True)
    step = runner.finished(process, time.monotonic())

    assert step.status == 137, step.log
    assert gone(siblings, 20)
