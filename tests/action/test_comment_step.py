"""The comment of a step that runs as GitHub's runner runs it; the API is a stand-in on this machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
from fix_github import GitHub, serving
from fix_runner import Runner, Step
from test_step import check_out

from fix_projects import ENV

pytestmark = pytest.mark.docker

PULL = {"number": 7, "head": {"sha": "a" * 40, "repo": {"full_name": "octo/shop"}}}
BASE = {"repo": {"full_name": "octo/shop"}}
EVENT = {"pull_request": {**PULL, "base": BASE}}
GIVEN = {"dump": "production.sql", "install": "none", "comment": "true", "token": "job-token"}
# What the code of a pull request could try to get the token with.
THIEF = """
import glob, os
found = []
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        found.append("job-" + "token" in open(path, errors="replace").read())
    except OSError as error:
        print("REFUSED", path, type(error).__name__)
print("READ", any(found), len(found))
"""


@pytest.fixture
def github() -> Iterator[GitHub]:
    """The stand-in, where a container on the default bridge reaches it."""
    template = "{{ (index .IPAM.Config 0).Gateway }}"
    shown = subprocess.run(
        ["docker", "network", "inspect", "bridge", "-f", template], capture_output=True, text=True, check=False
    )
    with serving(shown.stdout.strip() or "172.17.0.1") as served:
        yield served


def job(github: GitHub, runner: Runner) -> dict[str, str]:
    (runner.temp / "_github_workflow" / "event.json").write_text(json.dumps(EVENT))
    return {"GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": "octo/shop", "GITHUB_EVENT_NAME": "pull_request"}


def notices(step: Step) -> list[str]:
    """Return how the notices begin; what a passing run warns of is another matter."""
    return [each.message.partition(":")[0] for each in step.commands if each.name == "notice"]


def test_a_blocked_run_comments_and_the_next_one_updates_it(runner: Runner, github: GitHub) -> None:
    """One comment for both; the verdict stays that of the rehearsal."""
    check_out(runner, 'op.create_table("users")')
    blocked = runner.run(GIVEN, job(github, runner))
    first = list(github.mine)
    (runner.workspace / "migrations" / "versions" / "b2.py").unlink()
    passed = runner.run(GIVEN, job(github, runner))

    assert (blocked.status, passed.status) == (1, 0), blocked.log + passed.log
    assert "BLOCKED: 1 failure" in first[0]
    assert "SQLSTATE 42P07" in first[0]
    [body] = github.mine
    assert "PASS: nothing is pending" in body
    assert "job-token" not in blocked.log.replace("::add-mask::job-token", "")


def test_without_a_report_the_comment_says_so(runner: Runner, github: GitHub) -> None:
    """What stands there of an earlier run would be taken for this one's."""
    check_out(runner, "pass")
    step = runner.run({**GIVEN, "install": "python -c 'raise SystemExit(9)'"}, job(github, runner))

    assert step.status == 3, step.log
    [body] = github.mine
    assert "NO VERDICT" in body
    assert "ended with status 9" in body


def test_wrong_inputs_are_said_there_too(runner: Runner, github: GitHub) -> None:
    """Nothing was rehearsed, and the comment of an earlier run says "pass"."""
    check_out(runner, "pass")
    runner.run(GIVEN, job(github, runner))
    step = runner.run({**GIVEN, "tiemout": "60"}, job(github, runner))

    assert step.status == 2, step.log
    [body] = github.mine
    assert "unknown input" in body
    assert "PASS" not in body


def test_a_token_that_may_not_write_changes_nothing_else(runner: Runner, github: GitHub) -> None:
    """It is a notice in the job, and the step passes."""
    github.readers.add("job-token")
    check_out(runner, "pass")

    step = runner.run(GIVEN, job(github, runner))

    assert step.status == 0, step.log
    assert notices(step) == ["PASS", "no comment"]


def test_a_forks_pull_request_without_a_token_is_rehearsed(runner: Runner) -> None:
    """It gets no secret; a notice says that there is no comment, and the step passes."""
    check_out(runner, "pass")
    event = {"pull_request": {**PULL, "head": {"sha": "a" * 40, "repo": {"full_name": "mallory/shop"}}, "base": BASE}}
    (runner.temp / "_github_workflow" / "event.json").write_text(json.dumps(event))

    step = runner.run({**GIVEN, "token": ""}, {"GITHUB_REPOSITORY": "octo/shop", "GITHUB_EVENT_NAME": "pull_request"})

    assert step.status == 0, step.log
    assert notices(step) == ["PASS", "no comment"]
    assert "a pull request from a fork" in step.log


def test_the_code_cannot_read_the_token_of_another_process(runner: Runner, github: GitHub) -> None:
    """It is root beside the container's first process, whose variables hold it."""
    check_out(runner, "pass", env=THIEF + ENV.format(configure=""))

    step = runner.run({**GIVEN, "verbose": "true"}, job(github, runner))

    assert step.status == 0, step.log
    assert "REFUSED /proc/1/environ PermissionError" in step.log
    assert "READ False" in step.log
