"""Every command in the documentation is run, and what the documentation shows is what comes out."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from click import Command, Context

from alembic_rehearsal.cli import cli
from alembic_rehearsal.connect import connected
from alembic_rehearsal.options import merge
from alembic_rehearsal.report.json import SCHEMA_VERSION
from fix_projects import OWNER, Production, run_tool

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
EXAMPLE = ROOT / "examples" / "sso_sessions"
# Run by hand and in CI, not here: the second would run this test again.
ELSEWHERE = {"python3 dev.py test", "pip install 'alembic-rehearsal[embedded]'"}


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    return sorted(
        {line for path in (README, *DOCS) for block in blocks(path, "console") for line in block.splitlines()}
    )


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the example, so that nothing is written into the checkout."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "example", ignore=shutil.ignore_patterns("__pycache__")))


def steady(report: str) -> str:
    """Return *report* without what differs from run to run and from machine to machine."""
    report = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "<date>", report)
    report = re.sub(r"kernel guard \w+", "kernel guard <state>", report)
    report = re.sub(r"PostgreSQL 1[78]\.\d+ \(embedded\)", "PostgreSQL <version> (embedded)", report)
    report = re.sub(r"\nTook: .*?\n\n", "\n\n", report, flags=re.DOTALL)
    return re.sub(r"\nNotes\n(   .*\n)+", "", report)


@pytest.mark.parametrize("command", [each for each in commands() if each.startswith("alembic-rehearsal")])
def test_the_commands_of_the_docs_work(command: str, example: Path) -> None:
    """On the example, each ends as it should: the incident is blocked, nobody agrees to the fix, the others answer."""
    argv = shlex.split(command)[1:]

    done = run_tool(*argv, cwd=example)

    assert done.status == (1 if argv[0] in ("run", "fix") else 0), done.stdout + done.stderr


def test_no_command_of_the_docs_is_left_out() -> None:
    """What isn't run by the tests here is named, with the reason."""
    others = {each for each in commands() if not each.startswith("alembic-rehearsal")}

    assert others == ELSEWHERE | {"python3 dev.py example"}


def test_the_readme_shows_the_report_of_its_first_command() -> None:
    """`python3 dev.py example` prints what stands in the README."""
    done = subprocess.run(
        [sys.executable, "dev.py", "example"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
        capture_output=True,
        text=True,
        check=True,
    )
    [shown] = re.findall(r"<!-- report -->\n\n```text\n(.*?)```\n\n<!-- end", README.read_text(), re.DOTALL)

    assert steady(done.stdout) == steady(shown)


def test_the_recipe_for_the_dump_makes_one_that_passes_muster(production: Production, tmp_path: Path) -> None:
    """The two pg_dump lines of the README, run by a shell as they stand, give schema and version row."""
    production.execute(
        "CREATE TABLE users (id int); CREATE TABLE alembic_version (version_num varchar(32));"
        "INSERT INTO alembic_version VALUES ('z51')"
    )
    with connected(production.cluster.admin) as connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER ROLE {OWNER} LOGIN PASSWORD 'x'")
    end = production.cluster.endpoint(production.dbname, user=OWNER, password="x")
    [recipe] = blocks(README, "bash")
    environ = {
        **os.environ,
        "PATH": f"{production.cluster.offer.location}:{os.environ['PATH']}",
        "DATABASE_URL": f"postgresql://{end.user}:{end.password}@{end.host}:{end.port}/{end.dbname}",
    }

    subprocess.run(["bash", "-euc", recipe], cwd=tmp_path, env=environ, check=True)

    dump = (tmp_path / "production.sql").read_text()
    assert "CREATE TABLE public.users" in dump
    assert "\nz51\n" in dump


def test_every_flag_is_in_the_docs_and_every_documented_flag_exists() -> None:
    """docs/usage.md and `run --help` name the same flags."""
    run = cli.commands["run"]
    flags = {name for parameter in run.params for name in (*parameter.opts, *parameter.secondary_opts)}
    table = (ROOT / "docs" / "usage.md").read_text().partition("## Options")[2].partition("## Configuration")[0]
    documented = {
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"-{1,2}[a-z-]+", row)
    }

    assert documented == flags


def test_help_fits_eighty_columns() -> None:
    """A terminal of the usual width shows it without broken lines."""
    for name, command in cli.commands.items():
        assert isinstance(command, Command)
        shown = command.get_help(Context(command, info_name=name, max_content_width=80))
        assert max(map(len, shown.splitlines())) <= 80


def test_the_documented_configuration_is_accepted(tmp_path: Path) -> None:
    """The TOML of docs/usage.md has no key and no value that the tool doesn't know."""
    first, second = blocks(ROOT / "docs" / "usage.md", "toml")
    read = []
    for text in (first, second):
        (tmp_path / "pyproject.toml").write_text(text)
        read.append(merge({"directory": str(tmp_path), "dump": "production.sql"})[0])

    [waivers] = blocks(ROOT / "docs" / "usage.md", "yaml")
    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / "alembic-rehearsal.yml").write_text(waivers)
    asked, _ = merge({"directory": str(tmp_path), "dump": "production.sql"})

    assert [each.match or each.revision for each in asked.waivers] == ["orders_total_check", "3f9c2ab1d0e4"]
    assert (read[0].timeout, read[0].include_data) == (300.0, ("roles", "plans"))
    assert (read[1].fail_on, read[1].severity) == ("warning", ("survey-stopped=off",))


def test_the_workflow_of_the_readme_is_safe_and_uses_the_action() -> None:
    """Least permissions, no trigger with secrets, no path filter, a time limit; inputs that exist."""
    [text] = blocks(README, "yaml")
    workflow = yaml.safe_load(text)
    triggers = workflow[True]  # YAML 1.1 reads "on" as true
    [job] = workflow["jobs"].values()

    assert workflow["permissions"] == {}
    assert set(triggers) == {"pull_request", "merge_group", "push"}
    assert "paths" not in str(triggers)
    assert job["timeout-minutes"] <= 30
    assert job["steps"][-1]["uses"] == "OWNER/alembic-rehearsal@v1"
    assert set(job["steps"][-1]["with"]) <= set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])


def test_the_json_report_of_a_real_run_keeps_to_the_published_schema(example: Path) -> None:
    """Not only hand-made reports do."""
    done = run_tool("run", "--dump", "production.sql", "--format", "json", cwd=example)
    schema = json.loads((ROOT / "src" / "alembic_rehearsal" / "report" / "schema.json").read_text())

    jsonschema.validate(done.report, schema)

    assert done.report["schema_version"] == SCHEMA_VERSION


def test_the_pages_that_the_docs_point_to_exist() -> None:
    """No link leads nowhere inside the repository."""
    for path in (README, *DOCS):
        for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
