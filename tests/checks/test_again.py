"""The trials after an upgrade that went through: each check on a bad project and on its good twin, on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fix_projects import BODY, ENV, Production, Run, run_tool, write_project

STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
"""
TEAMS = 'op.create_table("teams", sa.Column("id", sa.Integer))'


def rehearsed(project: Path, production: Production, *flags: str) -> Run:
    production.execute(STAMPED)
    return run_tool("run", "--dump", str(production.dump()), "--format", "json", *flags, cwd=project)


def of(run: Run, check: str) -> list[dict[str, Any]]:
    return [each for each in run.report["findings"] if each["check"] == check]


def env(before: str) -> str:
    """Return an env.py with *before* inside its transaction, ahead of the migrations."""
    return ENV.format(configure="").replace(
        "        context.run_migrations()", before + "        context.run_migrations()"
    )


CREATE_ALL = """\
        import sqlalchemy as sa
        metadata = sa.MetaData()
        sa.Table("settings", metadata, sa.Column("id", sa.Integer))
        metadata.drop_all(connection)
        metadata.create_all(connection)
"""
MAKES_ALWAYS = """\
        import sqlalchemy as sa
        connection.execute(sa.text("CREATE TABLE settings (id int)"))
"""
ADDS_ALWAYS = """\
        import sqlalchemy as sa
        connection.execute(sa.text("ALTER TABLE users ADD CHECK (id > 0)"))
"""
MAKES_ONCE = """\
        import sqlalchemy as sa
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS settings (id int)"))
"""


@pytest.mark.parametrize(
    ("before", "says", "sqlstate"),
    [
        (MAKES_ALWAYS, 'ends with SQLSTATE 42P07 (duplicate_table): relation "settings" already exists', "42P07"),
        (CREATE_ALL, "makes table public.settings anew", ""),
        (ADDS_ALWAYS, "changes the schema", ""),
        (MAKES_ONCE, "", ""),
        ("", "", ""),
    ],
)
def test_a_second_upgrade_has_to_be_a_no_op(
    before: str, says: str, sqlstate: str, production: Production, tmp_path: Path
) -> None:
    """What env.py does on each run fails, or does it again, when the revisions have nothing left to do."""
    project = write_project(tmp_path / "p", {"0001": "", "0002": TEAMS}, env=env(before))

    run = rehearsed(project, production, "--instances", "1", "--severity", "not-repeatable=off")

    found = of(run, "second-run-not-a-no-op")
    assert run.status == (1 if says else 0), run.stdout + run.stderr
    assert len(found) == bool(says)
    for each in found:
        assert says in each["message"]
        assert each["severity"] == "error"
        assert each["sqlstate"] == sqlstate
        assert each["location"]["path"] == "migrations/env.py"


def test_revisions_that_run_again_are_told(production: Production, tmp_path: Path) -> None:
    """A command that goes down before it goes up is none to run on each start."""
    project = write_project(tmp_path / "p", {"0001": "", "0002": "op.execute('CREATE TABLE teams (id int)')"})
    file = project / "migrations" / "versions" / "0002.py"
    file.write_text(file.read_text().replace("downgrade():\n    pass", 'downgrade():\n    op.drop_table("teams")'))
    (project / "migrate.py").write_text(
        "from alembic import command, config\n"
        "alembic = config.Config('alembic.ini')\n"
        "command.downgrade(alembic, '0001')\n"
        "command.upgrade(alembic, 'head')\n"
    )

    run = rehearsed(project, production, "--command", "python migrate.py", "--idempotence", "off")

    [found] = of(run, "second-run-not-a-no-op")
    assert "runs 0002, 0002 again" in found["message"] or "runs 0002 again" in found["message"]


def test_an_error_that_only_the_second_upgrade_survives_is_a_warning(production: Production, tmp_path: Path) -> None:
    before = """\
        import sqlalchemy as sa
        savepoint = connection.begin_nested()
        try:
            connection.execute(sa.text("CREATE TABLE settings (id int)"))
        except sa.exc.ProgrammingError:
            savepoint.rollback()
"""
    project = write_project(tmp_path / "p", {"0001": "", "0002": TEAMS}, env=env(before))

    run = rehearsed(project, production, "--idempotence", "off")

    [found] = of(run, "second-run-not-a-no-op")
    assert (run.status, found["severity"], found["sqlstate"]) == (0, "warning", "42P07")


def test_the_trials_that_are_off_are_not_made(production: Production, tmp_path: Path) -> None:
    """Nothing is run but the upgrade itself, and nothing is run after one that had nothing to do."""
    project = write_project(tmp_path / "p", {"0001": "", "0002": TEAMS}, env=env(MAKES_ALWAYS))

    off = rehearsed(project, production, "--idempotence", "off", "--severity", "second-run-not-a-no-op=off")

    assert off.status == 0, off.stdout + off.stderr
    assert off.report["findings"] == []
    assert not {"second run", "race", "run again"} & set(off.report["timings"])


def test_an_upgrade_that_had_nothing_to_do_was_the_trial_itself(production: Production, tmp_path: Path) -> None:
    run = rehearsed(write_project(tmp_path / "p", {"0001": ""}), production)

    assert (run.status, run.report["findings"]) == (0, []), run.stdout
    assert "second run" not in run.report["timings"]


RACES = [
    ({"0002": TEAMS}, {"42P07", "23505"}, 0),
    ({"0002": "op.execute(\"CREATE TYPE mood AS ENUM ('sad', 'ok')\")"}, {"42710", "23505"}, 0),
    ({"0002": "pass"}, {""}, None),
    ({"0002": 'op.execute("CREATE INDEX IF NOT EXISTS ix ON users (email)")'}, {""}, None),
]


@pytest.mark.parametrize(("revisions", "states", "line"), RACES)
def test_upgrades_that_meet_don_t_all_end_well(
    revisions: dict[str, str], states: set[str], line: int | None, production: Production, tmp_path: Path
) -> None:
    """Of three that have all read 0001 one wins; the losers' SQLSTATE and line are told, with the recipe."""
    project = write_project(tmp_path / "p", {"0001": "", **revisions})

    run = rehearsed(project, production, "--severity", "not-repeatable=off")

    [found] = of(run, "not-race-safe")
    assert (run.status, found["severity"]) == (0, "warning"), run.stdout
    assert "Of 3 upgrades at once, on one copy of production's schema, 2 fail" in found["message"]
    assert any(state in found["evidence"][0] for state in states)
    assert "one_at_a_time" in found["fix"]
    if line is not None:
        assert found["location"]["line"] == BODY + line


def test_more_instances_are_as_many_as_asked_for(production: Production, tmp_path: Path) -> None:
    project = write_project(tmp_path / "p", {"0001": "", "0002": TEAMS})

    run = rehearsed(project, production, "--instances", "2", "--idempotence", "race-safe")

    [found] = of(run, "not-race-safe")
    assert (run.status, found["severity"]) == (1, "error")
    assert "Of 2 upgrades at once, on one copy of production's schema, 1 fails" in found["message"]
