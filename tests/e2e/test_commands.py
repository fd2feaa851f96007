"""Whole runs of other commands than the plain one, and of Alembic's other ways."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fix_projects import BODY, ENV, Production, Tool, run_tool, write_project

USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))'
TOKENS = 'op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True))'
LEGACY = 'op.drop_table("legacy")'
STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY);
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('0001');
"""


@pytest.fixture
def dump(production: Production) -> Path:
    production.execute(STAMPED)
    return production.dump()


def test_a_program_that_migrates_by_itself(dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """`python -m app.migrate` with Alembic's API, and a URL of its own."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS})
    (project / "app").mkdir()
    (project / "app" / "migrate.py").write_text(
        "from alembic import command\nfrom alembic.config import Config\n"
        "command.upgrade(Config('alembic.ini'), 'head')\n"
    )

    done = rehearse(project, dump, "--command", "python -m app.migrate")

    assert done.status == 0, done.stdout + done.stderr
    assert done.report["to_revisions"] == ["0002"]


def test_a_program_that_swallows_the_failure_is_blocked(dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """Exit status 0 proves nothing: the version table is read back."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": LEGACY})
    (project / "migrate.py").write_text(
        "from alembic import command\nfrom alembic.config import Config\n"
        "try:\n    command.upgrade(Config('alembic.ini'), 'head')\n"
        "except Exception as error:\n    print('ignored', error)\n"
    )

    done = rehearse(project, dump, "--command", "python migrate.py")

    assert done.status == 1, done.stdout + done.stderr
    assert [each["check"] for each in done.report["findings"]] == ["upgrade-failed", "heads-mismatch"]


def test_a_program_that_is_no_python_is_no_verdict(dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """The probe was never there, so nothing is known."""
    project = write_project(tmp_path / "project", {"0001": USERS})

    done = rehearse(project, dump, "--command", "true")

    assert done.status == 3, done.stdout + done.stderr
    assert "probe was not loaded" in done.report["findings"][0]["message"]


def test_a_command_that_migrates_nothing_is_no_verdict(dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """It ends with 0 and connects, and the heads are not reached: not the deploy's command."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": LEGACY})

    done = rehearse(project, dump, "--command", "alembic current")

    assert done.status == 3, done.stdout + done.stderr
    assert [each["check"] for each in done.report["findings"]] == ["heads-mismatch"]


@pytest.mark.parametrize("way", ["command", "env.py"])
def test_a_stamp_without_a_run_is_blocked(way: str, dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """`alembic stamp head`, and an env.py that stamps before it migrates: the row is right, and nothing was done."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": LEGACY})
    flags = ["--command", "alembic stamp head"] if way == "command" else []
    if way == "env.py":
        env = project / "migrations" / "env.py"
        stamp = "            context.get_context().stamp(context.script, 'head')\n            context.run_migrations()"
        env.write_text(
            env.read_text().replace("        context.run_migrations()", stamp.replace("            ", "        "))
        )

    done = rehearse(project, dump, *flags)

    assert done.status == 1, done.stdout + done.stderr
    assert "0002 would be recorded as applied" in done.report["findings"][0]["message"]


def test_a_child_that_left_the_session_is_ended_too(dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """What the command started and did not wait for does not outlive the run."""
    project = write_project(tmp_path / "project", {"0001": USERS})
    pid = tmp_path / "pid"
    (project / "migrations" / "env.py").write_text(
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True)\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\n" + ENV.format(configure="")
    )

    done = rehearse(project, dump)

    assert done.status == 0, done.stdout + done.stderr
    left = Path("/proc", pid.read_text(), "cmdline")
    assert not left.exists() or left.read_bytes() == b""


def test_a_search_path_of_the_connections_own_is_followed(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """One schema per tenant, chosen by connect_args: the version table is the one that Alembic read."""
    tenants = "".join(
        f"CREATE SCHEMA {tenant}; CREATE TABLE {tenant}.users (id int);"
        f"CREATE TABLE {tenant}.alembic_version (version_num varchar(32));"
        f"INSERT INTO {tenant}.alembic_version VALUES ('{revision}');"
        for tenant, revision in (("one", "0001"), ("two", "0002"))
    )
    production.execute(tenants)
    env = ENV.format(configure="").replace(
        "poolclass=pool.NullPool", 'poolclass=pool.NullPool, connect_args={"options": "-csearch_path=one"}'
    )
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS}, env=env)

    done = rehearse(project, production.dump())

    assert done.status == 0, done.stdout + done.stderr
    assert (done.report["from_revisions"], done.report["to_revisions"]) == (["0001"], ["0002"])


def test_passwords_in_statements_are_not_shown(dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """Neither in the statement of a finding nor in the command's last lines."""
    body = """op.execute("CREATE ROLE app_production LOGIN PASSWORD 'hunter2'")"""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    done = rehearse(project, dump)

    assert done.status == 1, done.stdout + done.stderr
    assert "hunter2" not in done.stdout


def test_a_role_that_the_dump_does_not_name_withholds_the_verdict(dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """Production may have it; a line in the dump settles it."""
    project = write_project(
        tmp_path / "project", {"0001": USERS, "0002": 'op.execute("GRANT SELECT ON users TO reader")'}
    )

    withheld = rehearse(project, dump)
    with dump.open("a") as file:
        file.write("CREATE ROLE reader;\n")

    assert withheld.status == 3, withheld.stdout + withheld.stderr
    assert [each["check"] for each in withheld.report["findings"]] == ["role-missing"]
    assert rehearse(project, dump).status == 0


def test_alembics_arguments_reach_env_py(dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """-n names the section that holds the URL, -x what env.py asks for."""
    project = write_project(
        tmp_path / "project",
        {"0001": USERS, "0002": TOKENS},
        env=ENV.format(configure=', version_table=context.get_x_argument(as_dictionary=True)["table"]'),
    )
    ini = project / "alembic.ini"
    ini.write_text(ini.read_text().replace("[alembic]", "[tenant]"))
    ini.rename(project / "other.ini")

    done = rehearse(project, dump, "-c", "other.ini", "-n", "tenant", "-x", "table=alembic_version")

    assert done.status == 0, done.stdout + done.stderr


def test_a_transaction_for_each_revision_keeps_what_came_before(dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """transaction_per_migration: the report says which revision production would be left at."""
    project = write_project(
        tmp_path / "project",
        {"0001": USERS, "0002": TOKENS, "0003": LEGACY, "0004": "pass"},
        configure=", transaction_per_migration=True",
    )

    done = rehearse(project, dump)

    assert done.places == [("0003", "42P01", BODY)]
    assert done.report["to_revisions"] == ["0002"]
    assert [line["outcome"] for line in done.report["revisions"]] == ["applied", "failed", "not reached"]
    assert done.report["state_left"][0] == "Production would be left at 0002, on the way from 0001."


def test_another_target_is_proved_by_its_own_revision(dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """--target 0002 passes although a later revision would fail."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS, "0003": LEGACY})

    done = rehearse(project, dump, "--target", "0002")

    assert done.status == 0, done.stdout + done.stderr
    assert done.report["to_revisions"] == ["0002"]


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg", "pg8000"])
def test_every_driver_gives_the_same_verdict(driver: str, dump: Path, tmp_path: Path, rehearse: Tool) -> None:
    """Revision, SQLSTATE and line come out whatever brought the statement to the server."""
    env = ENV.format(configure="")
    if driver == "asyncpg":
        env = (
            "import asyncio\nfrom alembic import context\nfrom sqlalchemy import pool\n"
            "from sqlalchemy.ext.asyncio import async_engine_from_config\n\n"
            "def migrate(connection):\n    context.configure(connection=connection)\n"
            "    with context.begin_transaction():\n        context.run_migrations()\n\n"
            "async def main():\n"
            "    section = context.config.get_section(context.config.config_ini_section)\n"
            "    engine = async_engine_from_config(section, prefix='sqlalchemy.', poolclass=pool.NullPool)\n"
            "    async with engine.connect() as connection:\n        await connection.run_sync(migrate)\n\n"
            "asyncio.run(main())\n"
        )
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS, "0003": LEGACY}, env=env)
    ini = project / "alembic.ini"
    ini.write_text(ini.read_text().replace("psycopg2", driver))

    done = rehearse(project, dump)

    assert done.places == [("0003", "42P01", BODY)], done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"0003": ('"0002"', '"missing"')}, "missing"),
        ({"0001": ("None", '"0003"')}, "ycle"),
        (
            {"0003": ('revision = "0003"\ndown_revision = "0002"', 'revision = "0002"\ndown_revision = "0001"')},
            "revision-twice",
        ),
    ],
    ids=["missing down_revision", "cycle", "id used twice"],
)
def test_a_broken_graph_is_told(
    changes: dict[str, tuple[str, str]], text: str, dump: Path, tmp_path: Path, rehearse: Tool
) -> None:
    """Blocked, by what is wrong with it, and no traceback."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS, "0003": "pass"})
    for name, (old, new) in changes.items():
        path = project / "migrations" / "versions" / f"{name}.py"
        content = path.read_text().replace("'", '"')
        assert old in content
        path.write_text(content.replace(old, new, 1))

    done = rehearse(project, dump)

    assert done.status == 1, done.stdout + done.stderr
    assert text in str(done.report["findings"]), done.stdout


def test_version_rows_that_overlap_are_told(production: Production, tmp_path: Path, rehearse: Tool) -> None:
    """A revision and its ancestor in the table at once."""
    production.execute(STAMPED + "INSERT INTO alembic_version VALUES ('0002')")
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS, "0003": "pass"})

    done = rehearse(project, production.dump())

    assert done.status == 1, done.stdout + done.stderr
    assert [each["check"] for each in done.report["findings"]] == ["version-rows-overlap"]


def test_a_revision_id_that_does_not_fit_the_version_column(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """22001 comes at the version row, and the finding names the revision that it belongs to."""
    long = "a_revision_with_a_name_that_is_longer_than_that"
    production.execute(STAMPED)
    project = write_project(tmp_path / "project", {"0001": USERS, long: "pass"})

    done = rehearse(project, production.dump())

    assert [(revision, state) for revision, state, _ in done.places] == [(long, "22001")]


@pytest.mark.parametrize("broken", ["SELEKT", "\\! touch /tmp/owned", "COPY t FROM PROGRAM 'touch /tmp/owned';"])
def test_a_hostile_or_broken_dump_is_one_clear_error(
    broken: str, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """Exit 3 with one finding, also in the JSON report; nothing of it is run."""
    production.execute(STAMPED)
    project = write_project(tmp_path / "project", {"0001": USERS})
    dump = production.dump()
    dump.write_text(dump.read_text().replace("CREATE TABLE public.users", f"{broken}\nCREATE TABLE public.users", 1))

    done = rehearse(project, dump)

    assert done.status == 3
    [finding] = done.report["findings"]
    assert finding["check"] == "no-verdict"
    assert not Path("/tmp/owned").exists()


def test_wrong_usage_is_exit_2(tmp_path: Path) -> None:
    """A flag that doesn't exist, a format that isn't known, a dump that wasn't named."""
    for args in (["run", "--dmup", "x"], ["run", "--dump", "x", "--format", "xml"], ["run"], ["rum"]):
        done = run_tool(*args, cwd=tmp_path)

        assert done.status == 2, done.stderr
        assert done.stderr


def test_several_reports_in_one_run(dump: Path, tmp_path: Path) -> None:
    """A JSON file for machines, text for the log, the command's output with --verbose."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": 'print("hello from 0002")'})

    done = run_tool(
        *("run", "--dump", str(dump), "-v", "--format", "json", "--output", "out/r.json", "--format", "text"),
        cwd=project,
    )

    assert done.status == 0, done.stdout + done.stderr
    assert (project / "out" / "r.json").exists()
    assert "PASS: 1 revision applied (exit 0)" in done.stdout
    assert "hello from 0002" in done.stderr


def test_version_and_help_start_fast_enough_to_be_used(tmp_path: Path) -> None:
    """They import neither a driver nor the docker SDK."""
    code = (
        "import sys; sys.argv = ['alembic-rehearsal', '--version']\n"
        "from alembic_rehearsal.cli import main; main()\n"
        "assert not {'docker', 'psycopg2', 'rich', 'yaml'} & set(sys.modules), sorted(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
