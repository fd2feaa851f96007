"""What docs/ci.md and docs/monorepos.md tell people to do is done here, as far as it goes without the systems."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from alembic_rehearsal.actions import inputs
from alembic_rehearsal.cli import cli
from alembic_rehearsal.cli import run as run_command
from alembic_rehearsal.scaffold import workflow
from fix_projects import run_tool

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "sso_sessions"
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in ("ci", "monorepos")}
BIN = Path(sys.executable).parent
INSTALL = "pip install -r requirements.txt 'alembic-rehearsal[embedded]'"


def block(page: str, mark: str) -> str:
    """Return the code that follows a mark in a comment."""
    [found] = re.findall(rf"<!-- {mark} -->\n\n```\w+\n(.*?)```", PAGES[page], re.DOTALL)
    return str(found)


def shell(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a step, with the tool of this environment."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The example with its dump where the pages have it."""
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "db").mkdir()
    shutil.copy(folder / "production.sql", folder / "db")
    return folder


def gitlab() -> tuple[list[str], dict[str, Any]]:
    [job] = yaml.safe_load(block("ci", "gitlab")).values()
    return job["script"], job


def bitbucket() -> tuple[list[str], dict[str, Any]]:
    content = yaml.safe_load(block("ci", "bitbucket"))
    [defined] = content["definitions"]["steps"]
    assert content["pipelines"] == {"pull-requests": {"**": [defined]}, "branches": {"main": [defined]}}
    return defined["step"]["script"], content


def circleci() -> tuple[list[str], dict[str, Any]]:
    content = yaml.safe_load(block("ci", "circleci"))
    steps = content["jobs"]["rehearse"]["steps"]
    return [step["run"] for step in steps if "run" in step], content


@pytest.mark.parametrize("system", [gitlab, bitbucket, circleci], ids=lambda each: str(each.__name__))
def test_the_jobs_of_other_systems(system: Any, project: Path) -> None:
    """The one line installs, the other blocks the incident and leaves the reports that the system is told of."""
    (install, rehearse), content = system()

    done = shell(rehearse, project)

    assert install == INSTALL
    assert done.returncode == 1, done.stderr
    assert "BLOCKED: 2 failures" in done.stdout
    [report] = {*project.glob("rehearsal.xml"), *project.glob("test-results/*.xml")}
    assert ET.parse(report).getroot().tag == "testsuites"
    assert not re.search("allow_failure|changes|continue|secret", str(content))
    if system is gitlab:
        reports = content["artifacts"]["reports"]
        assert all((project / name).is_file() for name in reports.values())
        assert len(json.loads((project / reports["codequality"]).read_text())) == 2


def test_the_hook_is_run_by_pre_commit(project: Path, tmp_path: Path) -> None:
    """Installed from a repository as pre-commit does it, in the project's environment, with the flags of the page."""
    tool = tmp_path / "tool"
    tool.mkdir()
    shutil.copytree(ROOT / "src", tool / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, tool)
    who = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    for folder in (tool, project):
        for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "x"]):
            subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tool, check=True, capture_output=True, text=True)
    config = yaml.safe_load(block("ci", "pre-commit"))
    config["repos"][0] |= {"repo": str(tool), "rev": head.stdout.strip()}
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    (project / ".venv").symlink_to(sys.prefix)

    environ = {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "VIRTUAL_ENV": ""}
    installed = shell("\n".join(re.findall(r"^pre-commit install.*", PAGES["ci"], re.MULTILINE)), project, **environ)
    done = shell("pre-commit run --hook-stage pre-push --all-files --verbose", project, **environ)

    assert installed.returncode == 0, installed.stdout + installed.stderr
    assert (project / ".git" / "hooks" / "pre-push").is_file()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "exit code: 1" in done.stdout, done.stdout
    assert "BLOCKED: 2 failures" in done.stdout, done.stdout


def test_the_hook_minds_what_changes_a_rehearsal() -> None:
    """Revisions, env.py, the configuration, the dump; nothing else of a project."""
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    names = (
        "db/versions/a1.py",
        "migrations/env.py",
        "alembic.ini",
        "db/production.sql.gz",
        "app/models.py",
        "README.md",
    )

    assert [bool(re.search(hook["files"], name)) for name in names] == [True, True, True, True, False, False]
    assert hook["stages"] == ["pre-push", "manual"]


def test_the_hook_brings_the_servers_of_the_extra() -> None:
    """pre-commit installs no extra."""
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    pyproject = (ROOT / "pyproject.toml").read_text().partition("embedded = [")[2].partition("\n]")[0]

    assert hook["additional_dependencies"] == re.findall(r'"([^"]+)"', pyproject)


def test_the_workflow_of_the_page_is_what_init_writes() -> None:
    """To the letter."""
    [shown] = re.findall(r"```yaml\n(.*?)```", PAGES["monorepos"], re.DOTALL)

    assert shown == workflow.of_many("OWNER/alembic-rehearsal@v1")


def test_the_workflow_of_many_projects(project: Path, tmp_path: Path) -> None:
    """Its script writes a matrix, and what each job gives the action is one project's rehearsal."""
    content = yaml.safe_load(workflow.of_many("OWNER/alembic-rehearsal@v1"))
    repository = tmp_path / "repository"
    for name in ("services/a", "services/b c"):
        shutil.copytree(project, repository / name)
    script = content["jobs"]["discover"]["steps"][-1]["run"]
    output = tmp_path / "output"

    done = shell(script, repository, GITHUB_OUTPUT=str(output))
    empty = shell(script, tmp_path / "repository" / "services" / "a" / "db", GITHUB_OUTPUT=str(output))

    assert done.returncode == 0, done.stderr
    assert empty.returncode == 3
    [line] = output.read_text().splitlines()
    entries = json.loads(line.removeprefix("matrix="))["include"]
    assert [entry["directory"] for entry in entries] == ["services/a", "services/b c"]
    given = content["jobs"]["rehearse"]["steps"][-1]["with"]
    for entry in entries:
        values = {name: re.sub(r"\${{ matrix.(\w+) }}", r"{\1}", text).format(**entry) for name, text in given.items()}
        asked = inputs.read({f"INPUT_{name.upper()}": value for name, value in values.items()}, run_command)
        rehearsed = run_tool("run", *asked.arguments, "--quiet", cwd=repository)
        assert rehearsed.status == 1, rehearsed.stderr
        assert "BLOCKED: 2 failures" in rehearsed.stdout


@pytest.mark.parametrize(("result", "status"), [("success", 0), ("failure", 1), ("skipped", 1), ("cancelled", 1)])
def test_the_check_to_require_is_only_green_when_all_are(result: str, status: int, tmp_path: Path) -> None:
    """A job that was skipped, because the search failed, is no pass."""
    content = yaml.safe_load(workflow.of_many("OWNER/alembic-rehearsal@v1"))
    [step] = content["jobs"]["migrations"]["steps"]

    assert shell(step["run"], tmp_path, RESULT=result).returncode == status
    assert content["jobs"]["migrations"]["if"] == "always()"


def test_the_loop(project: Path, tmp_path: Path) -> None:
    """It ends with the first status that isn't 0, also that of the search."""
    repository = tmp_path / "repository"
    shutil.copytree(project, repository / "a b")
    (repository / "a b" / "alembic-rehearsal.yml").write_text("dump: db/production.sql\n")
    (tmp_path / "empty").mkdir()

    blocked = shell(block("monorepos", "loop"), repository)
    (repository / "a b" / "alembic-rehearsal.yml").write_text("dump: db/production.sql\ntarget: z51\n")
    passed = shell(block("monorepos", "loop"), repository)

    assert (blocked.returncode, passed.returncode) == (1, 0), blocked.stderr + passed.stderr
    assert shell(block("monorepos", "loop"), tmp_path / "empty").returncode == 3


@pytest.mark.parametrize("page", list(PAGES))
def test_all_flags_exist(page: str) -> None:
    """No command of the pages has one that the tool doesn't know."""
    for name, line in re.findall(r"alembic-rehearsal (run|init|discover)\b([^`\n]*)", PAGES[page]):
        command = cli.commands[name]
        known = {flag for parameter in command.params for flag in parameter.opts}
        assert set(re.findall(r"(?<=\s)-{1,2}[a-z][a-z-]*", line.partition("|")[0])) <= known, line
