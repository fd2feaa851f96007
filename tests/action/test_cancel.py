"""A cancelled job: everything is gone within the ten seconds that the runner gives."""

from __future__ import annotations

import subprocess
import time

import pytest
from fix_runner import Runner
from test_step import check_out, siblings

from fix_projects import ENV

pytestmark = pytest.mark.docker

SLOW = "import time\ntime.sleep(60)"


@pytest.mark.parametrize("number", ["INT", "TERM"])
@pytest.mark.parametrize("moment", ["install", "start", "upgrade"])
def test_a_signal_ends_everything(runner: Runner, moment: str, number: str) -> None:
    """While it installs, while the server starts, while the upgrade runs; the sibling goes too."""
    says = "import sys\nprint('MOMENT', flush=True)\n"
    env = ENV.format(configure="")
    body = f"{says}{SLOW}" if moment == "upgrade" else "pass"
    check_out(runner, body, env=says + env if moment == "start" else env)
    given = {"dump": "production.sql", "install": "none", "postgres": "docker", "verbose": "true"}
    if moment == "install":
        given["install"] = "python -u -c 'import time; print(\"MOMENT\"); time.sleep(60)'"

    process = runner.start(given, socket=True)
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "MOMENT" in line:
            break
    began = time.monotonic()
    subprocess.run(["docker", "kill", "-s", number, runner.name], check=True, capture_output=True)
    step = runner.finished(process, began)

    assert step.status == 130, "".join(seen) + step.log
    assert step.outputs["verdict"] == "no verdict"
    assert step.seconds < 10
    assert siblings() == []
