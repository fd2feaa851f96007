"""A project's settings on a real run: warnings that block, a check that is off, and what no setting changes."""

from __future__ import annotations

from pathlib import Path

from fix_projects import Production, Tool, write_project

# Goes through on the empty table, and would fail on one with rows.
NEEDS_NO_ROWS = 'op.execute("ALTER TABLE users ADD COLUMN plan int NOT NULL")'


def test_what_blocks_is_the_projects_to_say_and_the_verdict_is_not(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """The same upgrade passes, is blocked by its warning, passes without the check; a failure stays one."""
    production.execute(
        "CREATE TABLE users (id int); CREATE TABLE alembic_version (version_num varchar(32));"
        "INSERT INTO alembic_version VALUES ('a1')"
    )
    dump = production.dump()
    project = write_project(tmp_path / "project", {"a1": "", "b2": NEEDS_NO_ROWS})
    (project / "alembic-rehearsal.yml").write_text("fail-on: warning\n")

    blocked = rehearse(project, dump)
    passed = rehearse(project, dump, "--fail-on", "error")
    without = rehearse(project, dump, "--severity", "depends-on-rows=off")
    (project / "migrations" / "versions" / "b2.py").write_text(
        (project / "migrations" / "versions" / "b2.py").read_text().replace("plan int", "id int")
    )
    failing = rehearse(project, dump, "--severity", "depends-on-rows=off", "--fail-on", "error")

    checks = [[each["check"] for each in done.report["findings"]] for done in (blocked, passed, without)]
    assert (blocked.status, passed.status, without.status) == (1, 0, 0), blocked.stderr + without.stderr
    assert checks == [["depends-on-rows"], ["depends-on-rows"], []]
    assert "--severity depends-on-rows=off left out 1 finding" in without.report["notes"]
    assert failing.status == 1
    assert failing.places == [("b2", "42701", 12)]
