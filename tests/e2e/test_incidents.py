"""The reproductions of real incidents: what production looks like, what is pending, what the tool has to say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from fix_projects import BODY, Production, Tool, write_project

USERS = """
op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.String(255)))
"""
STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
"""


@dataclass(frozen=True)
class Incident:
    """One reproduction.

    Attributes:
        sql: what production has beyond the schema of revision 0001.
        body: of the pending revision 0002.
        expected: revision, SQLSTATE and line within the body (from 0) of each error; empty for a pass.
        check: of the first finding.
    """

    id: str
    sql: str
    body: str
    expected: tuple[tuple[str, str, int], ...]
    check: str = "upgrade-failed"
    configure: str = ""


def failing(id: str, sql: str, body: str, *states: str | tuple[str, int], configure: str = "") -> Incident:
    """Return an incident whose revision 0002 fails with *states*, each at the first line unless it says otherwise."""
    pairs = [(state, 0) if isinstance(state, str) else state for state in states]
    return Incident(id, sql, body, tuple(("0002", state, line) for state, line in pairs), configure=configure)


TOKENS = 'op.create_table("sso_sessions", sa.Column("id", sa.Integer, primary_key=True))'

INCIDENTS = [
    failing("A1-table", "CREATE TABLE sso_sessions (id int PRIMARY KEY)", TOKENS, "42P07"),
    failing(
        "B1-column", "ALTER TABLE users ADD phone text", 'op.add_column("users", sa.Column("phone", sa.Text))', "42701"
    ),
    failing(
        "C1-enum",
        "CREATE TYPE color AS ENUM ('a')",
        'op.create_table("t", sa.Column("c", sa.Enum("a", name="color")))',
        "42710",
    ),
    failing(
        "C2-enum-made-twice",
        "",
        """
        color = sa.Enum("a", name="color")
        color.create(op.get_bind(), checkfirst=True)
        op.create_table("t", sa.Column("c", postgresql.ENUM("a", name="color", create_type=True)))
        """,
        ("42710", 2),
    ),
    failing(
        "C4-enum-missing",
        "",
        'op.execute("ALTER TABLE users ADD COLUMN c color")',
        "42704",
    ),
    failing(
        "C5-enum-label",
        "CREATE TYPE color AS ENUM ('a', 'b')",
        "op.execute(\"ALTER TYPE color ADD VALUE 'b'\")",
        "42710",
    ),
    failing(
        "D1-foreign-key",
        "CREATE TABLE k (p int CONSTRAINT k_fk REFERENCES users)",
        'op.create_foreign_key("k_fk", "k", "users", ["p"], ["id"])',
        "42710",
    ),
    failing(
        "D1-check",
        "ALTER TABLE users ADD CONSTRAINT c CHECK (id > 0)",
        'op.create_check_constraint("c", "users", "id > 0")',
        "42710",
    ),
    failing("D2-index", "CREATE INDEX ix ON users (email)", 'op.create_index("ix", "users", ["email"])', "42P07"),
    failing(
        "D2-unique",
        "ALTER TABLE users ADD CONSTRAINT uq UNIQUE (email)",
        'op.create_unique_constraint("uq", "users", ["email"])',
        "42P07",
    ),
    failing("D3-sequence", "CREATE SEQUENCE s", 'op.execute("CREATE SEQUENCE s")', "42P07"),
    failing("D3-view", "CREATE VIEW v AS SELECT 1 AS one", 'op.execute("CREATE VIEW v AS SELECT 2 AS two")', "42P07"),
    failing("D-primary-key", "", 'op.create_primary_key("pk", "users", ["email"])', "42P16"),
    failing("D-schema", "CREATE SCHEMA s", 'op.execute("CREATE SCHEMA s")', "42P06"),
    failing(
        "D-function",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "op.execute(\"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'\")",
        "42723",
    ),
    failing("E1-table", "", 'op.drop_table("legacy")', "42P01"),
    failing("E1-column", "", 'op.drop_column("users", "legacy")', "42703"),
    failing("E1-index", "", 'op.drop_index("legacy")', "42704"),
    failing(
        "E2-constraint-of-another-name",
        "CREATE TABLE k (p int CONSTRAINT fk_k_pid_p REFERENCES users)",
        'op.drop_constraint("k_pid_fkey", "k", type_="foreignkey")',
        "42704",
    ),
    failing("H1-dependant", "CREATE VIEW hers AS SELECT email FROM users", 'op.drop_column("users", "email")', "2BP01"),
    failing(
        "H2-view-on-type-change",
        "CREATE VIEW hers AS SELECT email FROM users",
        'op.alter_column("users", "email", type_=sa.Text)',
        "0A000",
    ),
    failing(
        "I1-swallowed",
        "CREATE TABLE sso_sessions (id int PRIMARY KEY)",
        f"""
        try:
            {TOKENS}
        except Exception:
            pass
        """,
        ("42P07", 1),
    ),
    failing("I2-concurrently", "", 'op.create_index("ix", "users", ["email"], postgresql_concurrently=True)', "25001"),
    failing(
        "I3-enum-value-used",
        "CREATE TYPE color AS ENUM ('a')",
        """
        op.execute("ALTER TYPE color ADD VALUE 'b'")
        op.execute("ALTER TABLE users ADD c color DEFAULT 'b'")
        """,
        ("55P04", 1),
    ),
    failing("P1-function", "", 'op.execute("UPDATE users SET email = no_such_function(email)")', "42883"),
    failing("syntax", "", 'op.execute("CREATE TABEL x ()")', "42601"),
]


# The good twins: what production has, and the body. By default the same body where nothing is in its way.
TWINS: dict[str, tuple[str, str]] = {
    "C2-enum-made-twice": (
        "",
        """
        color = postgresql.ENUM("a", name="color", create_type=False)
        color.create(op.get_bind(), checkfirst=True)
        op.create_table("t", sa.Column("c", color))
        """,
    ),
    "C4-enum-missing": ("CREATE TYPE color AS ENUM ('a')", 'op.execute("ALTER TABLE users ADD COLUMN c color")'),
    "C5-enum-label": ("CREATE TYPE color AS ENUM ('a')", "op.execute(\"ALTER TYPE color ADD VALUE 'b'\")"),
    "D1-foreign-key": ("CREATE TABLE k (p int)", 'op.create_foreign_key("k_fk", "k", "users", ["p"], ["id"])'),
    "D-primary-key": ("CREATE TABLE k (email text)", 'op.create_primary_key("pk", "k", ["email"])'),
    "E1-table": ("CREATE TABLE legacy ()", 'op.drop_table("legacy")'),
    "E1-column": ("ALTER TABLE users ADD legacy int", 'op.drop_column("users", "legacy")'),
    "E1-index": ("CREATE INDEX legacy ON users (email)", 'op.drop_index("legacy")'),
    "E2-constraint-of-another-name": (
        "CREATE TABLE k (p int CONSTRAINT k_pid_fkey REFERENCES users)",
        'op.drop_constraint("k_pid_fkey", "k", type_="foreignkey")',
    ),
    "I2-concurrently": ("", 'op.create_index("ix", "users", ["email"])'),
    "I3-enum-value-used": ("CREATE TYPE color AS ENUM ('a')", "op.execute(\"ALTER TYPE color ADD VALUE 'b'\")"),
    "P1-function": ("", 'op.execute("UPDATE users SET email = lower(email)")'),
    "syntax": ("", 'op.execute("CREATE TABLE x ()")'),
}


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.id)
def test_blocks_the_incident_with_revision_line_and_sqlstate(
    incident: Incident, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """What failed in production is an error with its revision, its line in the file and its SQLSTATE."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": incident.body}, configure=incident.configure)
    production.execute(STAMPED + incident.sql)

    done = rehearse(project, production.dump())

    assert done.status == 1, done.stdout + done.stderr
    assert done.places == [(revision, state, BODY + line) for revision, state, line in incident.expected]
    assert done.report["from_revisions"] == done.report["to_revisions"] == ["0001"]


def test_the_good_twins_of_all_incidents_pass(production: Production, tmp_path: Path, rehearse: Tool) -> None:
    """Each in a schema of its own, all in one run: nothing but notes on rows, which are true."""
    sql, revisions = STAMPED, {"0001": USERS}
    for number, incident in enumerate(INCIDENTS, 2):
        there, body = TWINS.get(incident.id, ("", incident.body))
        schema = f"twin_{number}"
        users = "CREATE TABLE users (id serial PRIMARY KEY, email varchar(255))"
        sql += f"CREATE SCHEMA {schema}; SET search_path = {schema}; {users}; {there};"
        path = f'op.execute("SET LOCAL search_path = {schema}, public")\n'
        revisions[f"{number:04}"] = path + dedent(body).strip("\n")
    production.execute(sql)

    done = rehearse(write_project(tmp_path / "project", revisions), production.dump())

    assert done.status == 0, done.stdout + done.stderr
    assert {each["check"] for each in done.report["findings"]} <= {"depends-on-rows"}


def test_passes_where_production_is_as_the_revisions_left_it(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """Without drift the upgrade passes, and the report says from where to where."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS})
    production.execute(STAMPED)

    done = rehearse(project, production.dump())

    assert done.status == 0, done.stdout + done.stderr
    assert done.report["from_revisions"] == ["0001"]
    assert done.report["to_revisions"] == ["0002"]
    assert [line["outcome"] for line in done.report["revisions"]] == ["applied"]


def test_nothing_pending_is_a_pass_that_says_so(production: Production, tmp_path: Path, rehearse: Tool) -> None:
    """Production at the head passes with the sentence that nothing was pending."""
    project = write_project(tmp_path / "project", {"0001": USERS})
    production.execute(STAMPED)

    done = rehearse(project, production.dump())

    assert done.status == 0, done.stdout + done.stderr
    assert "Nothing was pending" in done.report["state_left"][0]


def test_all_failures_of_all_revisions_come_out_in_one_run(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """The survey goes on past each failure; what only needs something skipped is folded under its cause."""
    project = write_project(
        tmp_path / "project",
        {
            "0001": USERS,
            "0002": TOKENS + '\nop.add_column("users", sa.Column("phone", sa.Text))',
            "0003": 'op.create_index("ix_users_email", "users", ["email"])\nop.drop_table("legacy")',
            "0004": 'op.create_table("fine", sa.Column("id", sa.Integer))',
            "0005": 'op.execute("CREATE TABLE t (c missing_type)")\nop.create_index("ix_t", "t", ["c"])',
        },
    )
    production.execute(
        STAMPED
        + "CREATE TABLE sso_sessions (id int); ALTER TABLE users ADD phone text;"
        + "CREATE INDEX ix_users_email ON users (email)"
    )

    done = rehearse(project, production.dump())

    assert done.status == 1
    assert done.places == [
        ("0002", "42P07", BODY),
        ("0002", "42701", BODY + 1),
        ("0003", "42P07", BODY),
        ("0003", "42P01", BODY + 1),
        ("0005", "42704", BODY),
    ]
    assert [error["conditional_on"] for error in done.errors] == [False, True, True, True, True]
    [folded] = done.errors[-1]["folded"]
    assert "42P01" in folded
