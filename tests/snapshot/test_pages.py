"""What docs/dump.md and docs/render.md tell people to do is done here, as far as it goes without GitHub and Render."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from fix_dumps import query
from fix_snapshots import ENCODED, PASSWORD, Live, make_reader

from alembic_rehearsal.cli import cli
from fix_projects import run_tool, write_project

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = {name: (DOCS / f"{name}.md").read_text() for name in ("dump", "render")}
ENV = """\
import os
from alembic import context
from sqlalchemy import create_engine

with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def block(page: str, mark: str) -> str:
    """Return the code that follows a mark in a comment."""
    [found] = re.findall(rf"<!-- {mark} -->\n\n```\w+\n(.*?)```", PAGES[page], re.DOTALL)
    return str(found)


def steps(page: str, mark: str) -> list[dict[str, Any]]:
    [job] = yaml.safe_load(block(page, mark))["jobs"].values()
    return list(job["steps"])


def shell(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does, with the tool and Alembic of this environment."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("page", list(PAGES))
def test_all_yaml_can_be_read_and_all_flags_exist(page: str) -> None:
    """No block is cut short, and no command has a flag that the tool doesn't know."""
    for text in re.findall(r"```yaml\n(.*?)```", PAGES[page], re.DOTALL):
        assert yaml.safe_load(text)
    for name, line in re.findall(r"alembic-rehearsal (run|snapshot|doctor)\b([^`\n]*)", PAGES[page]):
        known = {flag for parameter in cli.commands[name].params for flag in parameter.opts}
        assert set(re.findall(r"(?<=\s)-{1,2}[a-z][a-z-]*", line.partition("&&")[0].partition("#")[0])) <= known


def test_the_check_is_one_that_render_can_wait_for() -> None:
    """Every trigger that is needed, no filter, nothing that skips or forgives, no secret."""
    text = block("dump", "workflow: check")
    workflow = yaml.safe_load(text)

    assert workflow[True] == {"pull_request": None, "merge_group": None, "push": {"branches": ["main"]}}
    assert workflow["permissions"] == {}
    assert not re.findall("secrets|continue-on-error|cancel-in-progress|paths|if:", text)


def test_only_the_schedule_knows_production() -> None:
    """It has least permissions, an environment, and is not triggered by a pull request."""
    workflow = yaml.safe_load(block("dump", "workflow: branch"))
    [job] = workflow["jobs"].values()

    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}
    assert workflow["permissions"] == {}
    assert (job["permissions"], job["environment"]) == ({"contents": "write"}, "production-schema")
    assert [step for step in job["steps"] if "secrets." in str(step)] == [job["steps"][3]]


def test_the_two_workflows_play_together(live15: Live, tmp_path: Path) -> None:
    """The one takes a snapshot and pushes it to a branch, the other rehearses on what it finds there."""
    origin, clone = tmp_path / "origin.git", tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(origin)], check=True)
    subprocess.run(["git", "clone", "--quiet", str(origin), str(clone)], check=True, capture_output=True)
    write_project(clone, {"0001": "", "0002": 'op.create_table("users", sa.Column("id", sa.Integer), schema="app")'})
    who = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    for command in (["add", "."], [*who, "commit", "-qm", "x"], ["push", "-q", "origin", "HEAD:main"]):
        subprocess.run(["git", *command], cwd=clone, check=True, capture_output=True)
    environ = {"RUNNER_TEMP": str(tmp_path), "DATABASE_URL": live15.url}
    *_, take, push = steps("dump", "workflow: branch")
    for _ in range(2):
        for step in (take, push):
            done = shell(step["run"], clone, **environ)
            assert done.returncode == 0, done.stderr
        for command in (["switch", "-q", "main"], ["branch", "-qD", "production-schema"]):
            subprocess.run(["git", *command], cwd=clone, check=True, capture_output=True)
    found = clone / ".production"
    subprocess.run(["git", "clone", "-qb", "production-schema", str(origin), str(found)], check=True)
    log = subprocess.run(["git", "log", "--format=%s"], cwd=found, check=True, capture_output=True, text=True)
    summary = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    checked = shell(steps("dump", "workflow: check")[-1]["run"], clone, **summary)

    assert log.stdout == "Production's schema\n"
    assert [path.name for path in found.iterdir() if path.name != ".git"] == ["production.sql"]
    assert checked.returncode == 1, checked.stderr
    assert "42P07" in checked.stdout


@pytest.mark.parametrize("mark", ["read-only role", "read-only role, as the owner"])
def test_the_read_only_role_is_enough(live15: Live, tmp_path: Path, mark: str) -> None:
    """As a superuser makes it, and as an owner does for each schema."""
    script = re.sub(r"\bapp\b", "app_owner", block("dump", mark))
    live15.execute(script)
    if "owner" in mark:
        live15.execute(script.partition(";")[2].replace("public", "app"))
    live15.execute("ALTER ROLE schema_reader PASSWORD '" + PASSWORD.replace("'", "''") + "'")

    taken = live15.take(tmp_path / "production.sql", url=live15.url_of("schema_reader"))

    assert taken.revisions == {("public", "alembic_version"): ("0001",)}


def test_the_pre_deploy_command(live15: Live, tmp_path: Path) -> None:
    """It upgrades production when the rehearsal passed, and leaves it alone when it didn't."""
    query(live15.cluster.admin, "ALTER ROLE app_owner PASSWORD 'x'")
    url = live15.url_of("app_owner", "x")
    [service] = yaml.safe_load(block("render", "blueprint: predeploy"))["services"]
    command = service["preDeployCommand"]
    project = write_project(
        tmp_path / "project", {"0001": "", "0002": 'op.execute("CREATE TABLE fine (id int)")'}, env=ENV
    )
    passed = shell(command, project, DATABASE_URL=url)
    after = live15.execute("SELECT version_num FROM alembic_version")
    live15.execute("SET ROLE app_owner; CREATE TABLE app.by_hand (id int)")
    again = {"0001": "", "0002": "", "0003": 'op.execute("CREATE TABLE app.by_hand (id int)")'}
    blocked = shell(command, write_project(tmp_path / "next", again, env=ENV), DATABASE_URL=url)

    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert after == [("0002",)]
    assert blocked.returncode == 1
    assert live15.execute("SELECT version_num FROM alembic_version") == [("0002",)]
    assert shell(command, project, DATABASE_URL="").returncode == 2


def test_the_cron_job(live15: Live, tmp_path: Path) -> None:
    """With something in the place of the AWS command line that shows what it was given."""
    (tmp_path / "aws").write_text('#!/bin/sh\necho "$@"; gzip -dc "$3" | head -1\n')
    (tmp_path / "aws").chmod(0o755)
    command = block("render", "cron")
    done = shell(f'PATH="{tmp_path}:$PATH"\n{command}', tmp_path, DATABASE_URL=live15.url)
    failed = shell(f'PATH="{tmp_path}:$PATH"\n{command}', tmp_path, DATABASE_URL=live15.url.replace("/live", "/dead"))

    assert done.stdout.startswith("s3 cp production.sql.gz s3://production-schema/\n-- alembic-rehearsal: snapshot")
    assert (failed.returncode, failed.stdout) == (3, "")


def stand_in(folder: Path, name: str, script: str) -> str:
    """Write a program that stands for one that asks a service, and return the PATH that it is found on."""
    program = folder / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\necho {name} \"$@\" >>'{folder}/asked'\n{script}")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def test_the_dump_is_fetched_from_an_artifact(tmp_path: Path) -> None:
    """Of the newest run that succeeded on main; what the GitHub command line is asked, and where the file goes."""
    [step] = yaml.safe_load(block("dump", "steps: download"))
    path = stand_in(tmp_path, "gh", 'if [ "$2" = list ]; then echo 42; else mkdir .production; fi\n')
    done = shell(f'PATH="{path}"\n{step["run"]}', tmp_path)
    path = stand_in(tmp_path, "gh", "exit 4\n")
    failed = shell(f'PATH="{path}"\n{step["run"]}', tmp_path)

    asked = (tmp_path / "asked").read_text().splitlines()
    assert (done.returncode, failed.returncode) == (0, 4), done.stderr
    assert asked[0] == (
        "gh run list --workflow production schema --branch main --status success --limit 1 "
        "--json databaseId --jq .[0].databaseId"
    )
    assert asked[1] == "gh run download 42 --name production-schema --dir .production"
    assert yaml.safe_load(block("dump", "steps: upload"))[0]["with"]["name"] == "production-schema"


def test_the_dump_is_fetched_from_s3(tmp_path: Path) -> None:
    """One object, to where the check looks for it."""
    _, step = yaml.safe_load(block("dump", "steps: s3"))
    path = stand_in(tmp_path, "aws", "")

    shell(f'PATH="{path}"\n{step["run"]}', tmp_path)

    assert (
        tmp_path / "asked"
    ).read_text() == "aws s3 cp s3://production-schema/production.sql .production/production.sql\n"
    assert "--dump .production/production.sql" in steps("dump", "workflow: check")[-1]["run"]


@pytest.mark.parametrize(("status", "ends"), [(200, 0), (500, 22)])
def test_the_deploy_hook(tmp_path: Path, status: int, ends: int) -> None:
    """A POST for the very commit, to a server of this machine; a refusal fails the job."""
    asked = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    job = yaml.safe_load(block("render", "job: deploy"))["deploy"]
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/deploy/srv-1?key=k"
        done = shell(job["steps"][0]["run"], tmp_path, HOOK=url, GITHUB_SHA="abc")

    assert done.returncode == ends, done.stderr
    assert asked == ["/deploy/srv-1?key=k&ref=abc"]
    assert job["needs"] == "rehearse"


def test_the_embedded_servers_are_enough(live15: Live, tmp_path: Path) -> None:
    """Where there is no Docker, as in a hosting platform's own runtime; the report says that the version differs."""
    project = write_project(tmp_path / "project", {"0001": "", "0002": 'op.execute("CREATE TABLE fine (id int)")'})
    done = run_tool("run", "--from-url", live15.url, "--postgres", "embedded", cwd=project)

    assert done.status == 0, done.stdout + done.stderr
    assert "(embedded), kernel guard" in done.stdout
    assert "production runs PostgreSQL 15, the rehearsal ran on 1" in done.stdout
    assert ENCODED not in done.stdout


def test_a_new_table_needs_no_new_grant(live15: Live, tmp_path: Path) -> None:
    """The owner's default privileges are part of the recipe because of it."""
    make_reader(live15.cluster.admin, "newcomer", "")
    live15.execute(
        "GRANT USAGE ON SCHEMA app TO newcomer; GRANT SELECT ON ALL TABLES IN SCHEMA app, public TO newcomer"
    )
    script = block("dump", "read-only role, as the owner").rpartition("ALTER DEFAULT")[2]
    for schema in ("app", "public"):
        changed = script.replace(" app ", " app_owner ").replace("public", schema).replace("schema_reader", "newcomer")
        live15.execute("ALTER DEFAULT" + changed)
    live15.execute("SET ROLE app_owner; CREATE TABLE app.later (id int)")

    live15.take(tmp_path / "production.sql", url=live15.url_of("newcomer"))

    assert "app.later" in (tmp_path / "production.sql").read_text()
