"""`alembic-rehearsal baseline`: what production has otherwise than from base, in a file of the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fix_projects import Production, Run, Tool, run_tool, write_project

NAME = ".alembic-rehearsal-baseline.json"
STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
ALTER TABLE users ALTER email TYPE text;
CREATE TABLE by_hand (id int);
"""
REVISIONS = {
    "0001": """
    op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.String(255)))
    """,
    "0002": 'op.create_table("t", sa.Column("id", sa.Integer))',
}


def notes(run: Run) -> list[dict[str, Any]]:
    return [each for each in run.report["findings"] if each["check"] == "divergence"]


def test_what_is_known_is_not_told_again(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    production.execute(STAMPED)
    project, dump = write_project(tmp_path / "p", REVISIONS), production.dump()

    made = run_tool("baseline", "--dump", str(dump), cwd=project)
    known = rehearse(project, dump, from_base=True)

    assert made.status == 0, made.stderr
    assert made.stdout.startswith(f"wrote {NAME}: 2 differences, 2 new, 0 gone")
    assert json.loads((project / NAME).read_text())["differences"] == [
        {
            "sort": "changed",
            "kind": "column",
            "identity": "public.users.email",
            "attribute": "type",
            "production": "text",
            "wanted": "character varying(255)",
        },
        {"sort": "extra", "kind": "table", "identity": "public.by_hand"},
    ]
    assert known.status == 0, known.stdout
    assert notes(known) == []
    assert [each["known"] for each in known.report["drift"]] == [True, True]


def test_only_new_drift_shows_and_what_is_gone_is_said(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    """The file is the same, however often it is written; what it has in vain can be taken out."""
    production.execute(STAMPED)
    project = write_project(tmp_path / "p", REVISIONS)
    dump = production.dump()
    texts = []
    for _ in range(2):
        run_tool("baseline", "--dump", str(dump), "--baseline", "known.json", cwd=project)
        texts.append((project / "known.json").read_text())
    production.execute("DROP TABLE by_hand; CREATE TABLE another (id int)")

    run = rehearse(project, production.dump(), "--baseline", "known.json", from_base=True)
    again = run_tool("baseline", "--dump", str(dump), "--baseline", "known.json", cwd=project)

    assert texts[0] == texts[1]
    [note] = notes(run)
    assert note["severity"] == "note"
    assert note["message"].endswith("1 object more")
    assert note["evidence"] == [
        "table public.another: in production, not from base, with 1 column; no revision makes it",
        "1 more is known: known.json",
        "known.json has what is gone by now: extra table public.by_hand",
    ]
    assert "2 differences, 1 new, 1 gone" in again.stdout


def test_a_production_that_would_be_blocked_has_a_baseline_too(production: Production, tmp_path: Path) -> None:
    production.execute(STAMPED + "CREATE TABLE t (id int)")
    project = write_project(tmp_path / "p", REVISIONS)

    made = run_tool("baseline", "--dump", str(production.dump()), cwd=project)

    assert made.status == 0, made.stdout + made.stderr
    assert "3 differences" in made.stdout


def test_a_history_that_does_not_run_from_base_has_none(production: Production, tmp_path: Path) -> None:
    production.execute(STAMPED)
    project = write_project(tmp_path / "p", {**REVISIONS, "0001": 'op.execute("SELECT 1 / 0")'})

    made = run_tool("baseline", "--dump", str(production.dump()), cwd=project)

    assert made.status == 3
    assert "division by zero" in made.stdout
    assert not (project / NAME).exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "can't be read"),
        ("[]", "is no baseline of this version"),
        ('{"format": 2, "differences": []}', "is no baseline of this version"),
        ('{"format": 1, "differences": {}}', "has no list of differences"),
        ('{"format": 1, "differences": [{"sort": "extra"}]}', "entry 1 of the baseline"),
        (
            '{"format": 1, "differences": [{"sort": "extra", "kind": "table", "identity": 1}]}',
            "entry 1 of the baseline",
        ),
        (None, "can't be read: No such file"),
    ],
)
def test_a_bad_file_is_one_clear_error(text: str | None, says: str, tmp_path: Path) -> None:
    """Before anything is started."""
    project = write_project(tmp_path / "p", REVISIONS)
    if text is not None:
        (project / "known.json").write_text(text)

    run = run_tool("run", "--dump", "none.sql", "--baseline", "known.json", cwd=project)

    assert run.status == 2
    assert says in run.stderr
    assert "alembic-rehearsal baseline --dump" in run.stderr
    assert "Traceback" not in run.stderr
