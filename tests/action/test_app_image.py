"""The step in which the command runs in the application's own image, a sibling of the action's container."""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Iterator

import pytest
from fix_runner import BASE, IMAGE, Runner
from test_step import check_out, siblings

from fix_projects import BODY

pytestmark = pytest.mark.docker

DOCKERFILE = f"""\
FROM {BASE}
RUN pip install --no-cache-dir alembic psycopg2-binary
WORKDIR /srv/app
COPY . /srv/app
USER 1234
ENTRYPOINT ["/bin/false"]
"""


@pytest.fixture
def application(runner: Runner) -> Iterator[str]:
    """The image that an earlier step builds from the workspace; its second revision fails, after a wait if asked."""
    check_out(runner, 'import os, time\ntime.sleep(float(os.environ.get("WAIT", "0")))\nop.create_table("users")')
    tag = f"{IMAGE}-app:{secrets.token_hex(4)}"
    (runner.workspace / "Dockerfile").write_text(DOCKERFILE)
    subprocess.run(["docker", "build", "-q", "-t", tag, str(runner.workspace)], check=True, capture_output=True)
    yield tag
    subprocess.run(["docker", "rmi", "-f", tag], capture_output=True, check=False)


def left(image: str) -> list[str]:
    """Return the containers of *image*."""
    argv = ["docker", "ps", "-aq", "--filter", f"ancestor={image}"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


def test_a_failure_is_shown_at_its_line(runner: Runner, application: str) -> None:
    """Nothing is installed although there is nothing to install from; the annotation has the workspace's path."""
    step = runner.run({"dump": "production.sql", "app-image": application, "app-env": "A=1\nB=2"}, socket=True)

    assert step.status == 1, step.log
    assert (step.outputs["verdict"], step.outputs["failed-revision"]) == ("blocked", "b2")
    assert step.errors[1].properties["file"] == "migrations/versions/b2.py"
    assert step.errors[1].properties["line"] == str(BODY + 2)
    assert f"the image {application}" in step.log
    assert left(application) == []


def test_without_an_engine_there_is_no_verdict(runner: Runner) -> None:
    """The image can't be had without the socket."""
    check_out(runner, "pass")

    step = runner.run({"dump": "production.sql", "app-image": "app:1"})

    assert step.status == 3, step.log
    assert "no container engine" in step.errors[0].message + step.log


def test_a_cancelled_job_leaves_nothing(runner: Runner, application: str) -> None:
    """The command's container and the server's go within the ten seconds that the runner gives."""
    process = runner.start({"dump": "production.sql", "app-image": application, "app-env": "WAIT=60"}, socket=True)
    deadline = time.monotonic() + 90
    while not any(map(_upgrading, left(application))) and time.monotonic() < deadline:
        time.sleep(0.2)
    server = _server(left(application)[0])
    began = time.monotonic()

    subprocess.run(["docker", "kill", "-s", "INT", runner.name], check=True, capture_output=True)
    step = runner.finished(process, began)

    assert step.status == 130, step.log
    assert step.seconds < 10
    assert left(application) == []
    assert server not in siblings()


def _server(container: str) -> str:
    """Return the short id of the container whose network *container* shares."""
    argv = ["docker", "inspect", "-f", "{{.HostConfig.NetworkMode}}", container]
    mode = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return mode.removeprefix("container:")[:12]


def _upgrading(container: str) -> bool:
    argv = ["docker", "exec", container, "cat", "/.alembic-rehearsal/run/events.jsonl"]
    return '"b2"' in subprocess.run(argv, capture_output=True, text=True, check=False).stdout.rpartition('"begin"')[2]
