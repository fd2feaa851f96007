"""The revisions are run again beside the other trials, but where something can tell the two databases apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_again import STAMPED, TEAMS, of

from fix_projects import Production, run_tool, write_project

# Asked of the driver: nothing of it reaches the server.
NOTED = """
with open({names!r}, "a") as file:
    file.write(op.get_bind().connection.dbapi_connection.info.dbname + "\\n")
op.create_table("teams", sa.Column("id", sa.Integer))
"""
GRANTED = """
raw = op.get_bind().connection.dbapi_connection
raw.cursor().execute('GRANT TEMPORARY ON DATABASE "%s" TO app_production' % raw.info.dbname)
"""
VIEW = "CREATE VIEW here AS SELECT current_database() AS name;"


@pytest.mark.parametrize(
    ("before", "body", "beside"),
    [
        ("", "", True),
        ("", 'op.execute("SELECT current_database()")', False),
        ("", GRANTED, False),
        ("", 'op.get_bind().connection.cursor().execute("ALTER ROLE CURRENT_USER SET work_mem = 99999")', False),
        ("", "import subprocess; subprocess.run(['true'])", False),
        (VIEW, "", False),
    ],
    ids=["plain", "asks", "a privilege", "setting", "a child", "a view"],
)
def test_it_runs_beside_the_others_where_nothing_tells_them_apart(
    before: str, body: str, beside: bool, production: Production, tmp_path: Path
) -> None:
    """Where production's own name may matter, each trial has it in its turn; what is found is the same."""
    names = tmp_path / "names"
    production.execute(STAMPED + before)
    project = write_project(tmp_path / "p", {"0001": "", "0002": body + NOTED.format(names=str(names))})

    run = run_tool("run", "--dump", str(production.dump()), "--format", "json", cwd=project)

    assert run.status == 0, run.stdout + run.stderr
    [found] = of(run, "not-repeatable")
    assert 'relation "teams" already exists' in " ".join([found["message"], *found["evidence"]])
    assert of(run, "not-race-safe")
    seen = names.read_text().split()
    assert len(set(seen) - {seen[0]}) == beside
    assert any(each.startswith("rehearsal_beside") for each in seen) is beside


def test_what_blocks_is_looked_at_again_under_productions_name(production: Production, tmp_path: Path) -> None:
    """With --idempotence repeatable a finding of the trial beside the others alone is not enough."""
    names = tmp_path / "names"
    production.execute(STAMPED)
    project = write_project(tmp_path / "p", {"0001": "", "0002": NOTED.format(names=str(names))})

    run = run_tool(
        "run", "--dump", str(production.dump()), "--format", "json", "--idempotence", "repeatable", cwd=project
    )

    assert run.status == 1, run.stdout + run.stderr
    seen = names.read_text().split()
    assert seen[-1] == seen[0]
    assert any(each.startswith("rehearsal_beside") for each in seen)
    assert TEAMS.split('"')[1] in str(of(run, "not-repeatable"))
