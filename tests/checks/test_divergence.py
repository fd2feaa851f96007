"""The upgraded production against the schema from base: what a pending revision answers for, and what is older."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fix_projects import BODY, Production, Run, Tool, write_project

STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255), name varchar(50), status varchar(10),
                    CONSTRAINT known CHECK (status IN ('a', 'b')));
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
"""
FIRST = """
op.create_table(
    "users",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.String(255)),
    sa.Column("name", sa.String(50)),
    sa.Column("status", sa.String(10)),
    sa.CheckConstraint("status IN ('a', 'b')", name="known"),
)
"""
HAS_TOKENS = """
if not sa.inspect(op.get_bind()).has_table("tokens"):
    op.create_table(
        "tokens", sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", sa.String(40), nullable=False)
    )
"""


def of(run: Run, severity: str = "") -> list[dict[str, Any]]:
    found = [each for each in run.report["findings"] if each["check"] == "divergence"]
    return [each for each in found if not severity or each["severity"] == severity]


@dataclass(frozen=True)
class Case:
    """What somebody did to production, a pending revision, and what is said of the two.

    Attributes:
        severity: of the finding, "" for none but the note on what was there before.
        says: a line of its evidence begins so.
    """

    name: str
    there: str
    body: str
    severity: str
    says: str = ""
    line: int | None = None


CASES = [
    Case(
        "a table of another shape, passed over",
        "CREATE TABLE tokens (id serial PRIMARY KEY, value text NOT NULL);",
        HAS_TOKENS,
        "error",
        "column public.tokens.value: type text after the upgrade, character varying(40) from base",
        BODY + 2,
    ),
    Case(
        "a column missing in a table that was passed over",
        "CREATE TABLE tokens (id serial PRIMARY KEY);",
        HAS_TOKENS,
        "error",
        "column public.tokens.value (character varying(40) NOT NULL): from base, not after the upgrade",
        BODY + 2,
    ),
    Case(
        "an equal table, passed over",
        "CREATE TABLE tokens (id serial PRIMARY KEY, value varchar(40) NOT NULL);",
        HAS_TOKENS,
        "",
    ),
    Case("a table that was not there", "", HAS_TOKENS, ""),
    Case(
        "a column that a condition of Python's own keeps from production",
        "CREATE TABLE legacy (id int);",
        """
        if not sa.inspect(op.get_bind()).has_table("legacy"):
            op.add_column("users", sa.Column("phone", sa.String(20)))
        """,
        "error",
        "column public.users.phone (character varying(20)): from base, not after the upgrade; production is as it was",
        BODY + 1,
    ),
    Case(
        "a condition on the catalogs in SQL",
        "CREATE TABLE legacy (id int);",
        """
        found = op.get_bind().execute(sa.text("SELECT 1 FROM information_schema.tables WHERE table_name = 'legacy'"))
        if not found.scalar():
            op.add_column("users", sa.Column("phone", sa.String(20)))
        """,
        "error",
        "column public.users.phone (character varying(20)): from base, not after the upgrade; production is as it was",
        BODY + 2,
    ),
    Case(
        "a condition on rows that the rehearsal leaves out",
        "INSERT INTO users (email) VALUES ('a');",
        """
        if op.get_bind().execute(sa.text("SELECT count(*) FROM users")).scalar():
            op.add_column("users", sa.Column("phone", sa.String(20)))
        """,
        "warning",
        "column public.users.phone (character varying(20)): from base, not after the upgrade; production is as it was",
        BODY + 1,
    ),
    Case(
        "a constraint that was to go, under another name",
        "ALTER TABLE users ADD CONSTRAINT by_hand UNIQUE (email); ",
        """
        op.execute("ALTER TABLE users DROP CONSTRAINT IF EXISTS once")
        """,
        "error",
        "unique constraint public.users.by_hand (UNIQUE (email)): after the upgrade, not from base; it was to go",
        BODY,
    ),
    Case(
        "an ALTER that leaves an old difference",
        "ALTER TABLE users ALTER name TYPE text;",
        'op.alter_column("users", "name", nullable=False)',
        "",
    ),
    Case(
        "a conditional rename of a column that differs",
        "ALTER TABLE users ALTER name TYPE text;",
        """
        if any(each["name"] == "name" for each in sa.inspect(op.get_bind()).get_columns("users")):
            op.alter_column("users", "name", new_column_name="full_name")
        """,
        "",
    ),
    Case(
        "a conditional index on a column that production lacks",
        "ALTER TABLE users DROP COLUMN name;",
        """
        if any(each["name"] == "name" for each in sa.inspect(op.get_bind()).get_columns("users")):
            op.create_index("ix_name", "users", ["name"])
        """,
        "note",
        "index public.ix_name (CREATE INDEX ON public.users USING btree (name)): from base, not after the upgrade",
        BODY + 1,
    ),
    Case(
        "a revision that means to do something else",
        "CREATE TABLE legacy (id int);",
        """
        if sa.inspect(op.get_bind()).has_table("legacy"):
            op.create_table("archive", sa.Column("id", sa.Integer))
        """,
        "warning",
        "table public.archive: after the upgrade, not from base",
        BODY + 1,
    ),
    Case(
        "a label added to an enum that has more",
        "CREATE TYPE mood AS ENUM ('a', 'x');",
        """
        op.execute("DO $$ BEGIN IF to_regtype('mood') IS NULL THEN CREATE TYPE mood AS ENUM ('a'); END IF; END $$")
        """,
        "error",
        "enum type public.mood: labels a, x after the upgrade, a from base",
        BODY,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.name)
def test_who_answers_for_a_difference(case: Case, production: Production, rehearse: Tool, tmp_path: Path) -> None:
    production.execute(STAMPED + case.there)
    seed = "op.execute(\"INSERT INTO users (email) VALUES ('a')\")\n" if "count(*)" in case.body else ""
    first = FIRST + seed + ('op.create_unique_constraint("once", "users", ["email"])' if "once" in case.body else "")
    project = write_project(tmp_path / "p", {"0001": first, "0002": case.body})

    run = rehearse(project, production.dump(), from_base=True)

    assert run.status == (1 if case.severity == "error" else 0), run.stdout + run.stderr
    found = [each for each in of(run) if not each["message"].startswith("Before the upgrade")]
    assert [each["severity"] for each in found] == ([case.severity] if case.severity else [])
    for each in found:
        assert any(line.startswith(case.says) for line in each["evidence"]), each["evidence"]
        assert each["revision"] == "0002"
        assert each["location"]["line"] == case.line


def test_what_was_there_before_is_one_note_with_its_origin(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(
        STAMPED
        + """
        ALTER TABLE users ALTER name TYPE text, DROP COLUMN email;
        CREATE TABLE by_hand (id int);
        CREATE SCHEMA other CREATE TABLE a (id int) CREATE TABLE b (id int);
        COMMENT ON TABLE users IS 'people';
        """
    )
    project = write_project(tmp_path / "p", {"0001": FIRST, "0002": 'op.create_table("t")'})

    run = rehearse(project, production.dump(), "--divergence", "on", from_base=True)

    assert run.status == 0, run.stdout
    [note] = of(run)
    assert note["severity"] == "note"
    assert note["message"] == (
        "Before the upgrade production differs from what the revisions up to 0001 make: "
        "1 object missing, 3 more, 1 different"
    )
    lines = {(each["sort"], each["identity"]): each for each in run.report["drift"]}
    assert set(lines) == {
        ("missing", "public.users.email"),
        ("extra", "public.by_hand"),
        ("extra", "other"),
        ("extra", "table public.users"),
        ("changed", "public.users.name"),
    }
    assert lines["missing", "public.users.email"]["origin"] == "revision 0001 makes it from base"
    assert lines["extra", "public.by_hand"]["origin"] == "no revision makes it"
    changed = lines["changed", "public.users.name"]
    assert (changed["production"], changed["wanted"]) == ("text", "character varying(50)")


@pytest.mark.parametrize("body", ['op.add_column("users", sa.Column("age", sa.Integer))', ""])
def test_revisions_that_decide_nothing_need_no_history(
    body: str, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """They do on production what they do from base, whatever differs there."""
    production.execute(STAMPED + "CREATE TABLE by_hand (id int)")
    project = write_project(tmp_path / "p", {"0001": FIRST, "0002": body or 'op.create_table("t")'})

    run = rehearse(project, production.dump(), from_base=True)

    assert run.status == 0, run.stdout
    assert run.report["findings"] == []
    assert "from base" not in run.report["timings"]
    assert any("--divergence on" in line for line in run.report["not_tested"])


def test_a_history_that_does_not_run_from_base_is_said_once(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(STAMPED)
    project = write_project(tmp_path / "p", {"0001": FIRST + '\nop.execute("SELECT 1 / 0")', "0002": HAS_TOKENS})

    run = rehearse(project, production.dump(), from_base=True)

    assert run.status == 0, run.stdout
    assert of(run) == []
    [line] = [line for line in run.report["not_tested"] if "from base" in line]
    assert "division by zero" in line


def test_what_blocks_never_rests_on_a_build_of_yesterday(
    production: Production, rehearse: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revision that names a table by the day makes another one every day."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TODAY", "monday")
    production.execute(STAMPED)
    body = """
    import os
    op.create_table("on_" + os.environ["TODAY"], sa.Column("id", sa.Integer))
    """
    project = write_project(tmp_path / "p", {"0001": FIRST, "0002": body})
    dump = production.dump()

    runs = [rehearse(project, dump, from_base=True)]
    monkeypatch.setenv("TODAY", "tuesday")
    runs.append(rehearse(project, dump, from_base=True))

    assert [run.status for run in runs] == [0, 0], runs[1].stdout
    assert [of(run) for run in runs] == [[], []]
