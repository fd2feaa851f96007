"""Two revision files with one id: which keeps it, where the other one goes, and what is told instead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from alembic_rehearsal.remedies._identity import renamed
from fix_projects import Production, Tool, revision, run_tool, write_project

VERSION = """
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
INSERT INTO alembic_version VALUES ('{}');
"""
USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.String(255)))'
PHONE = 'op.add_column("users", sa.Column("phone", sa.Text))'
NAME = 'op.add_column("users", sa.Column("name", sa.Text))'


def write(folder: Path, **later: str) -> Path:
    """Write a project with `0001`, and `phone.py` and `name.py` that are both 0002, and return its folder."""
    write_project(folder, {"0001": USERS, **later})
    versions = folder / "migrations" / "versions"
    for name, body in (("phone", PHONE), ("name", NAME)):
        text = revision("0002", "0001", body)
        (versions / f"{name}.py").write_text(text.replace('"""0002"""', '"""Users.\n\nRevision ID: 0002\n"""'))
    for name in later:
        file = versions / f"{name}.py"
        file.write_text(file.read_text().replace("down_revision = '0001'", "down_revision = '0002'"))
    return folder


def outcomes(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["kind"], each["trial"]["outcome"]) for each in found["remedies"]]


@pytest.mark.parametrize("target", ["head", "heads"])
def test_the_one_that_did_not_run_follows(target: str, production: Production, rehearse: Tool, tmp_path: Path) -> None:
    """With `heads` the command ends with 0, with `head` it stops; after the fix both revisions run."""
    production.execute(VERSION.format("0001"))
    project, dump = write(tmp_path / "p"), production.dump()

    [found] = rehearse(project, dump, "--target", target, from_base=True).errors
    fixed = run_tool("fix", "--dump", str(dump), "--yes", "--target", target, cwd=project)
    after = rehearse(project, dump)

    assert (found["check"], outcomes(found)) == ("revision-twice", [("renumber", "passed")]), found
    assert found["remedies"][0]["trial"]["on"] == ["production's schema", "an empty database"]
    assert fixed.status == 0, fixed.stdout + fixed.stderr
    assert "-down_revision = '0001'\n" in fixed.stdout
    assert "+down_revision = '0002'\n" in fixed.stdout
    assert re.search(r"-Revision ID: 0002\n\+Revision ID: [0-9a-f]{12}\n", fixed.stdout)
    assert "would run it again" in fixed.stdout
    assert (after.status, [each["outcome"] for each in after.report["revisions"]]) == (0, ["applied"] * 2)


@pytest.mark.parametrize(("column", "keeps"), [("phone", "phone"), ("name", "name")])
def test_production_keeps_the_one_that_it_has_run(
    column: str, keeps: str, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """Whichever Alembic took: the other order fails its trial, because production has that column."""
    production.execute(VERSION.format("0002") + f"ALTER TABLE users ADD {column} text")
    project, dump = write(tmp_path / "p"), production.dump()

    [found] = rehearse(project, dump, from_base=True).errors
    fixed = run_tool("fix", "--dump", str(dump), "--yes", cwd=project)
    after = rehearse(project, dump)

    assert outcomes(found)[0] == ("renumber", "passed"), found
    assert any(f"migrations/versions/{keeps}.py, by its schema" in each for each in found["remedies"][0]["notes"])
    assert fixed.status == 0, fixed.stdout
    assert "revision = '0002'" in (project / "migrations" / "versions" / f"{keeps}.py").read_text().splitlines()
    assert after.status == 0, after.stdout


def test_what_builds_on_the_id_stays_and_the_renumbered_one_is_the_head(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(VERSION.format("0001"))
    project, dump = write(tmp_path / "p", **{"0003": "pass"}), production.dump()
    later = (project / "migrations" / "versions" / "0003.py").read_text()

    [found] = rehearse(project, dump, "--target", "heads", from_base=True).errors
    fixed = run_tool("fix", "--dump", str(dump), "--yes", cwd=project)

    assert outcomes(found) == [("renumber", "passed")], found
    assert "+down_revision = '0003'" in fixed.stdout
    assert (project / "migrations" / "versions" / "0003.py").read_text() == later
    assert rehearse(project, dump).status == 0


def test_a_copy_is_not_to_run_twice(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    production.execute(VERSION.format("0001"))
    project = write(tmp_path / "p")
    versions = project / "migrations" / "versions"
    (versions / "name.py").write_text((versions / "phone.py").read_text() + "# a copy\n")

    [found] = rehearse(project, production.dump(), from_base=True).errors

    assert outcomes(found) == [("renumber", "not tried")]
    assert "delete one of them" in found["remedies"][0]["trial"]["reason"]


def test_a_file_keeps_its_style() -> None:
    before = (
        '"""Names.\r\n\r\nRevision ID: b\r\nRevises: a\r\nCreate Date: 2026-01-01\r\n"""\r\n'
        "revision: str = 'b'  # ours\r\ndown_revision: Union[str, None] = 'a'\r\n\r\ndef upgrade(): pass\r\n"
    )

    after = renamed(before, "c", ("b", "x"))

    assert after == (
        '"""Names.\r\n\r\nRevision ID: c\r\nRevises: b, x\r\nCreate Date: 2026-01-01\r\n"""\r\n'
        "revision: str = 'c'  # ours\r\ndown_revision: Union[str, None] = ('b', 'x')\r\n\r\ndef upgrade(): pass\r\n"
    )
