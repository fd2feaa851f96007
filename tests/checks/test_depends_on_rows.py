"""What passes on empty tables and may not on production's: told, with a query that shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2
import pytest

from alembic_rehearsal import checks
from alembic_rehearsal.checks import _dependence, depends_on_rows
from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Severity
from alembic_rehearsal.postgres import Cluster
from evidence import TRACE, evidence, statement
from fix_projects import Production, Tool, write_project

SCHEMA = """
CREATE TABLE "Teams" (id int PRIMARY KEY);
INSERT INTO "Teams" VALUES (1);
CREATE TABLE users (id int, name text, team int, age text);
INSERT INTO users VALUES (1, 'a', 1, '3'), (2, 'b', 1, '4');
ALTER TABLE users ADD CONSTRAINT young CHECK (id < 100) NOT VALID;
"""


@dataclass(frozen=True)
class Case:
    """A statement, and the row that makes it fail."""

    sql: str
    bad: str
    table: str = "users"


CASES = [
    Case("ALTER TABLE users ALTER COLUMN name SET NOT NULL", "(3, NULL, 1, '5')"),
    Case('ALTER TABLE public.users ALTER "name" SET NOT NULL;', "(3, NULL, 1, '5')"),
    Case("ALTER TABLE users ADD CONSTRAINT u UNIQUE (name, age)", "(3, 'a', 1, '3')"),
    Case("ALTER TABLE ONLY users ADD PRIMARY KEY (id)", "(2, 'z', 1, '9')"),
    Case("CREATE UNIQUE INDEX ix ON users (name)", "(3, 'a', 1, '9')"),
    Case(
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix ON users USING btree (age) WHERE id > 1", "(3, 'c', 1, '4')"
    ),
    Case("ALTER TABLE users ADD CONSTRAINT k CHECK (id > 0 AND name <> 'x')", "(3, 'x', 1, '9')"),
    Case(
        'ALTER TABLE users ADD CONSTRAINT fk FOREIGN KEY(team) REFERENCES "Teams" (id) ON DELETE CASCADE',
        "(3, 'c', 77, '9')",
    ),
    Case("ALTER TABLE users ALTER COLUMN age TYPE INTEGER USING age::integer", "(3, 'c', 1, 'old')"),
    Case("ALTER TABLE users ALTER COLUMN name SET DATA TYPE VARCHAR(3)", "(3, 'long', 1, '9')"),
    Case("ALTER TABLE users ADD COLUMN mail VARCHAR(40) NOT NULL", "(3, 'c', 1, '9')"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.sql)
def test_the_query_finds_exactly_what_makes_the_statement_fail(case: Case, cluster: Cluster, database: str) -> None:
    """On a real server: with the row the statement fails and the query shows it, without it neither."""
    [need] = _dependence.needs(case.sql)
    assert _dependence.name_of(need.table)[1] == case.table
    with connected(replace(cluster.admin, dbname=database)) as link, link.cursor() as cursor:
        cursor.execute(SCHEMA)
        if need.certain:
            cursor.execute("TRUNCATE users")
        assert not _found(link, need)
        cursor.execute(f"INSERT INTO users VALUES {case.bad}")
        assert _found(link, need)
        with pytest.raises(psycopg2.Error):
            cursor.execute(case.sql)
        cursor.execute("DELETE FROM users WHERE ctid = (SELECT max(ctid) FROM users)")
        cursor.execute(case.sql)


def _found(link: psycopg2.extensions.connection, need: _dependence.Need) -> bool:
    """Say whether the query shows a row in the way: a number, a row, true, or an error of the cast."""
    with link.cursor() as cursor:
        try:
            cursor.execute(need.query)
        except psycopg2.DataError:
            return True
        rows = cursor.fetchall()
    return rows not in ([], [(0,)], [(False,)])


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE users ADD COLUMN mail TEXT",
        "ALTER TABLE users ADD COLUMN mail TEXT DEFAULT '' NOT NULL",
        "ALTER TABLE users ADD COLUMN n SERIAL NOT NULL",
        "ALTER TABLE users ADD COLUMN mail TEXT CHECK (mail IS NOT NULL OR true)",
        "ALTER TABLE users ADD CONSTRAINT fk FOREIGN KEY(team) REFERENCES teams (id) NOT VALID",
        "ALTER TABLE users ALTER COLUMN name DROP NOT NULL",
        "CREATE INDEX ix ON users (name)",
        "CREATE TABLE other (id INTEGER NOT NULL, PRIMARY KEY (id))",
        "DROP TABLE users",
        "INSERT INTO roles (name) VALUES ('SELECT 1 FROM users')",
    ],
)
def test_what_needs_no_rows_is_left_alone(sql: str) -> None:
    assert [need for need in _dependence.needs(sql) if need.table != "roles"] == []


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT id FROM users u JOIN app.teams t ON true", ["users", "app.teams"]),
        ("UPDATE users SET name = o.name FROM other o", ["users", "other"]),
        ("DELETE FROM ONLY users USING other", ["users", "other"]),
        ("INSERT INTO users (id) SELECT id FROM old", ["users", "old"]),
        ("WITH x AS (SELECT 1 FROM users) SELECT * FROM x", ["users", "x"]),
    ],
)
def test_what_reads_and_changes_rows_is_told(sql: str, tables: list[str]) -> None:
    assert [need.table for need in _dependence.needs(sql)] == tables


def test_a_table_of_two_schemas_is_told_only_where_the_statement_names_one() -> None:
    statements = (
        statement(1, "SELECT * FROM users"),
        statement(2, "SELECT * FROM app.users"),
        statement(3, "SELECT * FROM filled"),
    )
    found = evidence(
        replace(TRACE, exit_status=0, statements=statements), bare=frozenset({"app.users", "public.users"})
    )

    [finding] = depends_on_rows.check(found)

    assert finding.severity is Severity.NOTE
    assert finding.evidence == ("b (b.py:2), app.users: its rows are read",)
    assert checks.verdict((finding,), 0) is checks.verdict((), 0)


def test_a_pass_names_the_operations_that_rows_could_fail(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """Each with file, line and query; a new column that no row could have is a warning."""
    production.execute(
        "CREATE TABLE users (id int, email text); CREATE TABLE plans (id int);"
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
        "INSERT INTO alembic_version VALUES ('0001')"
    )
    body = """
    op.alter_column("users", "email", nullable=False)
    op.create_table("fresh", sa.Column("id", sa.Integer, primary_key=True))
    op.alter_column("fresh", "id", nullable=False)
    for (plan,) in op.get_bind().execute(sa.text("SELECT id FROM plans")):
        op.execute(f"INSERT INTO fresh VALUES ({plan})")
    op.add_column("users", sa.Column("team", sa.Integer, nullable=False))
    """
    project = write_project(tmp_path / "p", {"0001": "", "0002": body})

    run = rehearse(project, production.dump())

    assert run.status == 0, run.stdout + run.stderr
    warning, note = run.report["findings"]
    assert (warning["check"], warning["severity"]) == ("depends-on-rows", "warning")
    assert warning["evidence"] == [
        (
            "0002 (migrations/versions/0002.py:17), public.users: no row at all: the new column team is NOT NULL and "
            "has no default: SELECT EXISTS (SELECT FROM users)"
        )
    ]
    assert (note["check"], note["severity"]) == ("depends-on-rows", "note")
    assert note["evidence"] == [
        (
            "0002 (migrations/versions/0002.py:12), public.users: no NULL in email: "
            "SELECT count(*) FROM users WHERE email IS NULL"
        ),
        "0002 (migrations/versions/0002.py:15), public.plans: its rows are read",
    ]
    assert note["fix"].endswith("--include-data public.plans --include-data public.users")


NOISE = """
op.execute("DELETE FROM users")
op.add_column("users", sa.Column("key", sa.Integer, nullable=False))
op.add_column("plans", sa.Column("team", sa.Integer))
op.create_foreign_key("fk", "plans", "plans", ["team"], ["id"])
op.alter_column("plans", "must", nullable=False)
op.alter_column("plans", "short", type_=sa.String(90))
op.rename_table("old", "new")
op.add_column("new", sa.Column("key", sa.Integer, nullable=False))
op.create_index("ix", "plans", [sa.text("lower(short)")], unique=True)
op.create_check_constraint("odd", "plans", "id % 2 = 1")
"""


def test_what_can_not_fail_is_not_told_and_every_query_runs_on_production(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """A table that is emptied first, columns of the same upgrade, what the schema guarantees already."""
    production.execute(
        "CREATE TABLE users (id int); CREATE TABLE old (id int);"
        "CREATE TABLE plans (id int PRIMARY KEY, must int NOT NULL, short varchar(40));"
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
        "INSERT INTO alembic_version VALUES ('0001')"
    )

    run = rehearse(write_project(tmp_path / "p", {"0001": "", "0002": NOISE}), production.dump())

    assert run.status == 0, run.stdout + run.stderr
    told = {each["severity"]: each["evidence"] for each in run.report["findings"]}
    assert [line.partition(", ")[2] for line in told["warning"]] == [
        "public.old: no row at all: the new column key is NOT NULL and has no default"
    ]
    assert [line.partition(", ")[2] for line in told["note"]] == [
        (
            "public.plans: no value of (lower(short)) twice: SELECT lower(short), count(*) FROM plans "
            "WHERE (lower(short)) IS NOT NULL GROUP BY lower(short) HAVING count(*) > 1"
        ),
        "public.plans: every row has id % 2 = 1: SELECT count(*) FROM plans WHERE NOT (id % 2 = 1)",
    ]


def test_rows_that_the_dump_itself_shows_withhold_the_verdict(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """They were left out of the restore, and one of them is enough."""
    production.execute(
        "CREATE TABLE users (id int); INSERT INTO users VALUES (1);"
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
        "INSERT INTO alembic_version VALUES ('0001')"
    )
    dump = production.folder / "full.sql"
    dump.write_bytes(production.pg_dump())
    body = 'op.add_column("users", sa.Column("key", sa.Integer, nullable=False))'
    project = write_project(tmp_path / "p", {"0001": "", "0002": body})

    withheld, seen = rehearse(project, dump), rehearse(project, dump, "--include-data", "users")

    assert withheld.status == 3, withheld.stdout + withheld.stderr
    assert "--include-data public.users" in withheld.report["findings"][0]["fix"]
    assert [each["sqlstate"] for each in seen.errors] == ["23502"]
