"""The project's own environment, made in the image from each kind of file."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fix_runner import Runner
from test_step import check_out

from fix_projects import ENV

pytestmark = pytest.mark.docker

WHO = ("-c", "user.name=me", "-c", "user.email=me@example.org")
PYPROJECT = """\
[project]
name = "app"
version = "1"
requires-python = ">=3.10"
dependencies = ["alembic==1.16.4", "psycopg2-binary", "inflection"]
"""
BUILD = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
# Only there if the requirements are.
BODY = "import inflection\nop.create_table(inflection.pluralize('order'), sa.Column('id', sa.Integer))"


def uv(*arguments: str, cwd: Path) -> None:
    program = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if not Path(program).exists():
        pytest.skip("uv is not here")
    subprocess.run([program, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.mark.parametrize("kind", ["uv.lock", "poetry.lock", "pdm.lock", "requirements.txt", "pyproject.toml"])
def test_the_requirements_are_there(runner: Runner, kind: str) -> None:
    """The upgrade imports one of them, with the project's version of Alembic."""
    check_out(runner, BODY)
    write_requirements(runner.workspace, kind)

    step = runner.run({"dump": "production.sql"}, timeout_s=300)

    assert step.status == 0, step.log
    assert f"from /github/workspace/{kind}" in step.log
    assert "1.16.4" in step.log


def write_requirements(folder: Path, kind: str, *, built: bool = False) -> None:
    if kind == "requirements.txt":
        (folder / kind).write_text("alembic==1.16.4\npsycopg2-binary\ninflection\n")
        return
    text = PYPROJECT + (
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n' if built else ""
    )
    if kind == "pdm.lock" and not built:
        text += "[tool.pdm]\ndistribution = false\n"
    if kind == "poetry.lock":
        # A source of its own, as companies have: not every mirror has PyPI's JSON.
        text += "" if built else "[tool.poetry]\npackage-mode = false\n"
        text += '[[tool.poetry.source]]\nname = "simple"\n'
        index = importlib.import_module("pip._internal.models.index").PyPI.simple_url
        text += f'url = "{index}/"\npriority = "primary"\n'
    (folder / "pyproject.toml").write_text(text)
    if kind == "uv.lock":
        uv("lock", cwd=folder)
    elif kind == "poetry.lock":
        uv("tool", "run", "poetry", "lock", cwd=folder)
    elif kind == "pdm.lock":
        uv("tool", "run", "--from", "pdm[locked]", "pdm", "lock", cwd=folder)


@pytest.mark.parametrize("kind", ["uv.lock", "poetry.lock", "pdm.lock"])
def test_an_application_that_is_no_package_is_rehearsed(runner: Runner, kind: str) -> None:
    """Its build backend finds no module of the project's name; where it starts it has all that it needs."""
    check_out(runner, BODY)
    write_requirements(runner.workspace, kind, built=True)

    step = runner.run({"dump": "production.sql"}, timeout_s=300)

    assert step.status == 0, step.log
    assert "Once more without the project itself: uv " in step.log


def test_a_command_of_the_workflow_installs_instead(runner: Runner) -> None:
    """With pip, in an environment of its own; what is downloaded is kept where the workflow says."""
    check_out(runner, BODY)
    (runner.workspace / "deploy").mkdir()
    (runner.workspace / "deploy" / "list.txt").write_text("alembic==1.16.4\npsycopg2-binary\ninflection\n")

    step = runner.run(
        {"dump": "production.sql", "install": "pip install -r deploy/list.txt", "cache-directory": ".rehearsal"}
    )

    assert step.status == 0, step.log
    assert (step.workspace / ".rehearsal" / "pip").is_dir()


def test_requirements_that_cannot_be_had_give_no_verdict(runner: Runner) -> None:
    """The error shows what the installer said."""
    check_out(runner, BODY)
    (runner.workspace / "requirements.txt").write_text("alembic==0.0.0.1\n")

    step = runner.run({"dump": "production.sql"})

    assert step.status == 3, step.log
    assert "the project's requirements can't be installed: uv pip install" in step.errors[0].message
    assert "alembic==0.0.0.1" in step.errors[0].message


def test_a_directory_that_is_not_there_is_wrong_usage(runner: Runner) -> None:
    """The lock file of the workspace would have been taken, for a command with no folder to start in."""
    check_out(runner, BODY)
    (runner.workspace / "uv.lock").write_text("")

    step = runner.run({"dump": "production.sql", "directory": "nope"})

    assert step.status == 2, step.log
    assert step.errors[0].message.startswith("the directory /github/workspace/nope doesn't exist")


def test_alembic_is_added_where_nothing_asks_for_it(runner: Runner) -> None:
    """Some keep it in a Dockerfile."""
    check_out(runner, BODY)
    (runner.workspace / "requirements.txt").write_text("psycopg2-binary\ninflection\n")

    step = runner.run({"dump": "production.sql"})

    assert step.status == 0, step.log


def test_git_reads_the_workspace_that_is_anothers(runner: Runner) -> None:
    """What is installed asks it for a version, and env.py does; by itself git finds the ownership dubious."""
    says = "import subprocess\nprint('HEAD', subprocess.check_output(['git', 'log', '-1', '--format=%s'], text=True))\n"
    check_out(runner, "pass", env=says + ENV.format(configure=""))
    for command in (["init", "-q"], ["add", "."], [*WHO, "commit", "-qm", "the commit"]):
        subprocess.run(["git", *command], cwd=runner.workspace, check=True)
    install = "apt-get update\napt-get install -y --no-install-recommends git\npip install alembic psycopg2-binary"

    step = runner.run(
        {"dump": "production.sql", "install": f"{install}\ngit describe --always", "verbose": "true"}, timeout_s=300
    )

    assert step.status == 0, step.log
    assert "HEAD the commit" in step.log
    assert "dubious" not in step.log
