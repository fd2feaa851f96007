"""The pull request's base as `base`, in a workspace that is another account's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from fix_runner import Runner
from test_step import check_out

pytestmark = pytest.mark.docker

GIVEN = {"dump": "production.sql", "install": "none"}


def git(runner: Runner, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "safe.directory=*")
    done = subprocess.run(["git", *who, *arguments], cwd=runner.workspace, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(runner: Runner) -> str:
    git(runner, "add", ".")
    git(runner, "commit", "-qm", "a commit")
    return git(runner, "rev-parse", "HEAD")


def pull_request(runner: Runner, base: str) -> None:
    """Write the event of a pull request that is to be merged into *base*."""
    event = {"pull_request": {"number": 7, "base": {"sha": base}}}
    (runner.temp / "_github_workflow" / "event.json").write_text(json.dumps(event))


@pytest.fixture
def base(runner: Runner) -> str:
    """The base's commit; the pull request's edits a revision that production has applied."""
    check_out(runner, "pass")
    git(runner, "init", "-q")
    first = commit(runner)
    file = runner.workspace / "migrations" / "versions" / "a1.py"
    file.write_text(file.read_text().replace("sa.Integer", "sa.BigInteger"))
    commit(runner)
    return first


def checks(path: str) -> list[str]:
    return [each["check"] for each in json.loads(Path(path).read_text())["findings"]]


def test_an_edited_revision_is_found_without_a_word_in_the_workflow(runner: Runner, base: str) -> None:
    """The image's git reads the workspace although that is the runner's account's."""
    pull_request(runner, base)

    step = runner.run(GIVEN)

    assert step.status == 0, step.log
    assert "applied-revision-edited" in checks(step.outputs["report-json"])
    assert not [each for each in step.commands if "are not looked for" in each.message]


@pytest.mark.parametrize("depth", ["shallow", "none"])
def test_a_checkout_without_that_commit_gets_a_notice(runner: Runner, base: str, depth: str) -> None:
    """A checkout has its last commit alone, or no repository at all; the step passes."""
    missing = "b" * 40 if depth == "shallow" else base
    if depth == "none":
        (runner.workspace / ".git").rename(runner.folder / "git")
    pull_request(runner, missing)

    step = runner.run(GIVEN)

    assert step.status == 0, step.log
    [notice] = [each for each in step.commands if "are not looked for" in each.message]
    assert notice.name == "notice"
    assert f"git has no {missing[:12]} here (fetch-depth: 0)" in notice.message


def test_the_workflows_own_base_comes_first(runner: Runner, base: str) -> None:
    """It is not the event's; and one that isn't there is wrong."""
    pull_request(runner, base)

    own, wrong = (runner.run({**GIVEN, "base": each}) for each in ("HEAD", "origin/nowhere"))

    assert own.status == 0, own.log
    assert "applied-revision-edited" not in checks(own.outputs["report-json"])
    assert wrong.status == 2, wrong.log
    assert "--base origin/nowhere: git has no such commit here" in wrong.errors[0].message
