"""The image, started as GitHub's runner starts it: verdicts, outputs, reports, servers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fix_runner import DEFAULTS, EXAMPLE, IMAGE, RUNNER_UID, Runner

from fix_projects import write_project

pytestmark = pytest.mark.docker

# Production as its owner sees it: one table, at revision a1.
DUMP = """\
--
-- PostgreSQL database dump
--
-- Dumped from database version {major}.1
-- Dumped by pg_dump version {major}.1
CREATE TABLE public.users (id integer NOT NULL);
CREATE TABLE public.alembic_version (version_num character varying(32) NOT NULL);
INSERT INTO public.alembic_version VALUES ('a1');
--
-- PostgreSQL database dump complete
--
"""
A1 = 'op.create_table("users", sa.Column("id", sa.Integer))'


def check_out(runner: Runner, body: str, *, major: int = 17, env: str | None = None) -> None:
    """Put a project into the workspace whose second revision has *body*."""
    project = write_project(runner.folder / "project", {"a1": A1, "b2": body}, env=env)
    (project / "production.sql").write_text(DUMP.format(major=major))
    runner.checkout(project)


def siblings() -> list[str]:
    """Return the throw-away servers' containers."""
    listed = subprocess.run(
        ["docker", "ps", "-aq", "--filter", "label=alembic-rehearsal"], capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in folder.rglob("*")}


@pytest.fixture
def network() -> Iterator[str]:
    """The network of a job with services."""
    name = f"{IMAGE}-network"
    subprocess.run(["docker", "network", "create", name], capture_output=True, check=True)
    yield name
    subprocess.run(["docker", "network", "rm", name], capture_output=True, check=True)


def test_the_incident_is_blocked(runner: Runner) -> None:
    """On the embedded server, with nothing but a dump; the job sees what, where, and in which revision."""
    runner.checkout(EXAMPLE)

    step = runner.run({"dump": "production.sql", "install": "none"})

    assert step.status == 1, step.log
    reports = {name: step.outputs.pop(f"report-{name}") for name in ("json", "markdown")}
    assert step.outputs == {
        "verdict": "blocked",
        "failed-revision": "z52",
        "from-revision": "z51",
        "to-revision": "z51",
        "findings": "2",
    }
    assert all(Path(path).is_file() for path in reports.values())
    assert step.errors[0].message.startswith("BLOCKED: 2 failures")
    assert step.errors[1].properties["file"] == "migrations/versions/z52_create_sso_sessions_table.py"
    assert step.errors[1].properties["line"] == "18"
    assert "z52" in step.summary
    assert "PostgreSQL 17.10 (embedded)" in step.log


def test_an_upgrade_that_goes_through_passes(runner: Runner) -> None:
    """Status 0, and no error is shown."""
    check_out(runner, 'op.add_column("users", sa.Column("email", sa.String(255)))')

    step = runner.run({"dump": "production.sql", **DEFAULTS, "install": "none"})

    assert step.status == 0, step.log
    assert (step.outputs["verdict"], step.outputs["to-revision"]) == ("pass", "b2")
    assert step.errors == []


def test_a_section_of_the_configuration_file_is_a_project_of_its_own(runner: Runner) -> None:
    """`name` says which of several; the report's files and lines are those of that one's revisions."""
    check_out(runner, "pass")
    write_project(runner.workspace / "billing", {"a1": A1, "b2": 'op.create_table("users")'})
    ini = runner.workspace / "alembic.ini"
    section = ini.read_text().replace("[alembic]", "[billing]").replace("/migrations", "/billing/migrations")
    ini.write_text(ini.read_text() + section)

    first = runner.run({"dump": "production.sql", "install": "none"})
    second = runner.run({"dump": "production.sql", "install": "none", "name": "billing"})

    assert (first.status, second.status) == (0, 1), first.log + second.log
    assert second.errors[1].properties["file"] == "billing/migrations/versions/b2.py"


def test_the_workspace_stays_its_owners(runner: Runner) -> None:
    """Later steps, and the next job's checkout, must be able to remove everything."""
    check_out(runner, "pass")

    reports = {"format": "sarif\njunit", "output": "reports/a.sarif\nreports/a.xml"}

    step = runner.run({"dump": "production.sql", **DEFAULTS, "install": "none", **reports})

    assert step.status == 0, step.log
    assert owners(step.workspace) == {RUNNER_UID}
    assert owners(step.temp) == {RUNNER_UID}
    assert (step.outputs["report-sarif"], step.outputs["report-junit"]) == ("reports/a.sarif", "reports/a.xml")
    assert (step.workspace / "reports" / "a.xml").stat().st_size > 100


def test_a_bad_dump_gives_no_verdict(runner: Runner) -> None:
    """Status 3: it isn't a pass, and it isn't the migration's fault."""
    check_out(runner, "pass")
    (runner.workspace / "production.sql").write_bytes(b"")

    step = runner.run({"dump": "production.sql", "install": "none"})

    assert step.status == 3, step.log
    assert step.outputs["verdict"] == "no verdict"
    assert step.errors


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"install": "python -c 'raise SystemExit(9)'"}, 3),
        ({"install": "none", "timeout": "soon"}, 2),
        ({"install": "none", "directroy": "app"}, 2),
        ({"install": "none", "directory": "nowhere"}, 3),
    ],
)
def test_every_ending_has_its_reports(runner: Runner, given: dict[str, str], status: int) -> None:
    """A later step finds no report of an earlier one, and none that isn't there."""
    check_out(runner, "pass")
    reports = {"format": "sarif\njunit", "output": "a.sarif\na.xml"}

    passed = runner.run({"dump": "production.sql", "install": "none"})
    step = runner.run({"dump": "production.sql", **reports, **given})

    assert (passed.status, step.status) == (0, status), passed.log + step.log
    assert "no-verdict" in (step.workspace / "a.sarif").read_text()
    assert "no-verdict" in (step.workspace / "a.xml").read_text()
    of_first, of_second = (json.loads(Path(each.outputs["report-json"]).read_text()) for each in (passed, step))
    assert (of_first["verdict"], of_second["verdict"]) == ("pass", "no verdict")
    assert (step.outputs["verdict"], step.outputs["findings"]) == ("no verdict", "1")
    assert Path(step.outputs["report-markdown"]).read_text() == step.summary
    assert "NO VERDICT" in step.summary
    assert owners(step.temp) == {RUNNER_UID}


def test_a_message_with_brackets_passes(runner: Runner) -> None:
    """What stands in the job, in its summary and in the outputs is one verdict."""
    check_out(runner, "pass")
    file = runner.workspace / "migrations" / "versions" / "b2.py"
    file.write_text(file.read_text().replace('"""b2"""', '"""remove [/api] prefix"""'))

    step = runner.run({"dump": "production.sql", "install": "none"})

    assert (step.status, step.outputs["verdict"]) == (0, "pass"), step.log
    assert "remove [/api] prefix" in step.log


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no dump was named"),
        ({"dump": "production.sql", "directroy": "app"}, "unknown input 'directroy'\nDid you mean 'directory'?"),
        ({"dump": "production.sql", "timeout": "soon"}, "'soon' is not a valid float"),
        ({"dump": "production.sql", "postgres": "mysql"}, "'mysql' is no provider of servers"),
    ],
)
def test_wrong_inputs_are_usage_errors(runner: Runner, given: dict[str, str], message: str) -> None:
    """`required` isn't enforced by the runner, and an unknown input is only a warning there."""
    check_out(runner, "pass")

    step = runner.run({"install": "none", **given})

    assert step.status == 2, step.log
    assert message in step.errors[0].message


@pytest.mark.docker(alone=True)
def test_with_the_socket_the_server_is_a_sibling_of_the_dumps_major(runner: Runner, network: str) -> None:
    """On a job's network as on the default bridge; afterwards it is gone."""
    check_out(runner, 'op.create_table("users")', major=15)

    step = runner.run({"dump": "production.sql", "install": "none"}, socket=True, network=network)

    assert step.status == 1, step.log
    assert "(docker)" in step.log
    assert siblings() == []


def test_without_the_socket_another_major_is_said_to_be_one(runner: Runner) -> None:
    """The image has 17 and 18."""
    check_out(runner, "pass", major=15)

    step = runner.run({"dump": "production.sql", "install": "none"})

    assert step.status == 0, step.log
    assert "production runs PostgreSQL 15" in step.log


def test_a_server_in_a_container_does_without_shared_memory(runner: Runner) -> None:
    """The runner gives /dev/shm 64 MiB, less than the hash table of this join takes."""
    check_out(
        runner,
        """
        op.execute("SET LOCAL max_parallel_workers_per_gather = 2; SET LOCAL work_mem = '512MB'")
        op.execute("SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0")
        op.execute("SET LOCAL min_parallel_table_scan_size = 0; SET LOCAL enable_mergejoin = off")
        op.execute("CREATE TABLE big AS SELECT g AS id, md5(g::text) AS t FROM generate_series(1, 1500000) g")
        op.execute("ANALYZE big")
        op.execute("CREATE TABLE joined AS SELECT count(*) FROM big a JOIN big b USING (id, t)")
        """,
    )

    step = runner.run({"dump": "production.sql", "install": "none", "postgres": "embedded"})

    assert step.status == 0, step.log


def test_in_a_job_the_image_takes_no_arguments_but_elsewhere_it_does(image: str) -> None:
    """By hand, and in other CI systems, it is the command line."""
    done = subprocess.run(["docker", "run", "--rm", image, "--version"], capture_output=True, text=True, check=True)

    in_a_job = subprocess.run(
        ["docker", "run", "--rm", "-e", "GITHUB_ACTIONS=true", image, "--version"], capture_output=True, check=False
    )

    assert done.stdout.startswith("alembic-rehearsal, version ")
    assert in_a_job.returncode == 2
