"""What is tried against a failure, on real servers: what passes, what fails its trial, and what it says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fix_projects import Production, Tool, write_project

USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.String(255)))'
TOKENS = """
op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", sa.String(40)))
op.create_index("ix_tokens_value", "tokens", ["value"])
"""
# Its foreign key and its index need a column that the table made by hand lacks.
LINKED = """
op.create_table(
    "tokens",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("value", sa.String(40), nullable=False, server_default="x"),
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), index=True),
    sa.UniqueConstraint("value"),
)
op.create_index("ix_tokens_both", "tokens", ["user_id", "value"])
"""
VERSION = """
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255), by_hand int);
"""


@dataclass(frozen=True)
class Case:
    """A failure and its remedy.

    Attributes:
        sql: what production has besides `users`, whose column `by_hand` no revision makes.
        body: of revision 0002; 0001 makes `users`.
        first: what 0001 makes besides.
        says: lines of the diff, without "+".
    """

    id: str
    sql: str
    body: str
    kind: str
    says: tuple[str, ...] = ()
    notes: str = ""
    first: str = ""


CASES = [
    Case(
        "a table that lacks columns, constraints and indexes",
        "CREATE TABLE tokens (id serial PRIMARY KEY, value text);",
        LINKED,
        "reconcile",
        (
            'if "tokens" not in sa.inspect(op.get_bind()).get_table_names():',
            'op.add_column("tokens", sa.Column("user_id", sa.Integer(), nullable=True), if_not_exists=True)',
            'op.alter_column("tokens", "value", nullable=False)',
            '"CREATE INDEX IF NOT EXISTS ix_tokens_user_id ON public.tokens USING btree (user_id)",',
        ),
        notes="a row of public.tokens with NULL in value refuses NOT NULL",
    ),
    Case(
        "a unique constraint under another name, and a column more",
        "CREATE TABLE tokens (id serial PRIMARY KEY, value varchar(40) NOT NULL DEFAULT 'x', more int,"
        " user_id int REFERENCES users ON DELETE CASCADE, CONSTRAINT by_hand UNIQUE (value));",
        LINKED,
        "reconcile",
        ('op.execute("ALTER TABLE public.tokens RENAME CONSTRAINT by_hand TO tokens_value_key")',),
        notes="production has more than the revisions make, and keeps it: column public.tokens.more",
    ),
    Case(
        "an enum in a variable that the revision makes itself",
        "CREATE TYPE color AS ENUM ('red', 'blue');",
        'color = sa.Enum("red", "blue", name="color")\ncolor.create(op.get_bind(), checkfirst=True)\n'
        'op.create_table("paint", sa.Column("c", color))',
        "guard",
        ('color = postgresql.ENUM("red", "blue", name="color", create_type=False)',),
        notes="without it the history does not run from base",
    ),
    Case(
        "SQL in strings",
        "CREATE TABLE tokens (id int); ALTER TABLE users ADD CONSTRAINT ck CHECK (id > 0), ADD phone text;"
        "CREATE TYPE mood AS ENUM ('a', 'b'); CREATE VIEW ids AS SELECT id FROM users;",
        'op.execute("CREATE TABLE tokens (id int)")\nop.execute("ALTER TABLE users ADD CONSTRAINT ck CHECK (id > 0)")\n'
        "op.get_bind().execute(sa.text(\"CREATE TYPE mood AS ENUM ('a')\"))\n"
        "op.execute(\"ALTER TYPE mood ADD VALUE 'b'\")\n"
        'op.execute("""\n    CREATE VIEW ids AS\n    SELECT id FROM users\n""")\n'
        'op.execute("ALTER TABLE users ADD phone text")',
        "guard",
        (
            'op.execute("CREATE TABLE IF NOT EXISTS tokens (id int)")',
            'op.execute("ALTER TABLE users ADD CONSTRAINT ck CHECK (id > 0)")',
            "op.execute(\"ALTER TYPE mood ADD VALUE IF NOT EXISTS 'b'\")",
            "CREATE OR REPLACE VIEW ids AS",
            'op.execute("ALTER TABLE users ADD IF NOT EXISTS phone text")',
        ),
    ),
    Case(
        "a batch",
        "ALTER TABLE users ADD phone text, ADD fax int; CREATE INDEX ix_fax ON users (fax);",
        'with op.batch_alter_table("users", schema=None) as batch_op:\n'
        '    batch_op.add_column(sa.Column("phone", sa.Text(), nullable=True))\n'
        '    batch_op.add_column(sa.Column("fax", sa.Integer(), nullable=True))\n'
        '    batch_op.create_index(f"ix_{\'ph\'}one", ["phone"])\n'
        '    batch_op.create_index(f"ix_{\'f\'}ax", ["fax"])',
        "guard",
        (
            'batch_op.add_column(sa.Column("fax", sa.Integer(), nullable=True), if_not_exists=True)',
            'if f"ix_{\'f\'}ax" not in [each["name"] for each in sa.inspect(op.get_bind()).get_indexes("users")]:',
        ),
    ),
    Case(
        "a constraint and an index of the same name that do something else",
        "ALTER TABLE users ADD CONSTRAINT ck CHECK (id > 5); CREATE INDEX ix_email ON users (id);",
        'op.create_check_constraint("ck", "users", "id > 0")\nop.create_index("ix_email", "users", ["email"])',
        "reconcile",
        (
            'op.execute("ALTER TABLE public.users DROP CONSTRAINT IF EXISTS ck")',
            'op.execute("DROP INDEX IF EXISTS public.ix_email")',
        ),
        notes="rows that break check constraint public.users.ck refuse it",
    ),
    Case(
        "a unique constraint where an index of that name is wanted",
        "ALTER TABLE users ADD CONSTRAINT ix_email UNIQUE (email);",
        'op.create_index("ix_email", "users", ["email"], unique=True)',
        "reconcile",
        ('op.execute("ALTER TABLE public.users DROP CONSTRAINT IF EXISTS ix_email")',),
    ),
    Case(
        "a table in another schema, with names that need quotes",
        'CREATE SCHEMA app; CREATE TABLE app."Tokens" (id serial PRIMARY KEY, "Value" text);',
        'op.create_table("Tokens", sa.Column("id", sa.Integer, primary_key=True), '
        'sa.Column("Value", sa.String(40)), sa.Column("At", sa.DateTime(timezone=True)), schema="app")',
        "reconcile",
        ('sa.Column("At", sa.DateTime(timezone=True), nullable=True),', 'schema="app",'),
        first='\nop.execute("CREATE SCHEMA app")',
    ),
    Case(
        "try and except around the operation",
        "CREATE TABLE tokens (id serial PRIMARY KEY, value varchar(40));"
        "CREATE INDEX ix_tokens_value ON tokens (value);",
        'try:\n    op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True), '
        'sa.Column("value", sa.String(40)))\nexcept Exception:\n    print("it is there")\n'
        'op.create_index("ix_tokens_value", "tokens", ["value"])',
        "guard",
        ('op.create_index("ix_tokens_value", "tokens", ["value"], if_not_exists=True)',),
        notes="PostgreSQL has aborted the transaction by then",
    ),
    Case(
        "what is to be dropped is gone",
        "",
        'op.drop_table("old")\nop.drop_index("ix_id", table_name="users")\n'
        'op.drop_constraint("ck", "users", type_="check")',
        "guard",
        ('op.drop_index("ix_id", table_name="users", if_exists=True)',),
        first='\nop.create_table("old", sa.Column("id", sa.Integer))\nop.create_index("ix_id", "users", ["email"])\n'
        'op.create_check_constraint("ck", "users", "id > 0")',
    ),
    Case(
        "a loop",
        "CREATE TABLE t1 (id int);",
        'for name in ("t1", "t2"):\n    op.create_table(\n        name,\n'
        '        sa.Column("id", sa.Integer),  # the number\n    )',
        "guard",
        ("if_not_exists=True,",),
    ),
]


def tried(production: Production, rehearse: Tool, tmp_path: Path, case: Case) -> list[dict[str, Any]]:
    """Rehearse *case* and return its remedies."""
    production.execute(VERSION + case.sql)
    project = write_project(tmp_path / "p", {"0001": USERS + case.first, "0002": case.body})
    run = rehearse(project, production.dump(), from_base=True)
    assert run.status == 1, run.stdout + run.stderr
    remedies: list[dict[str, Any]] = run.errors[0]["remedies"]
    return remedies


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.id)
def test_the_remedy_that_is_shown_has_passed(
    case: Case, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    remedy, *_ = tried(production, rehearse, tmp_path, case)

    assert (remedy["kind"], remedy["trial"]["outcome"]) == (case.kind, "passed"), remedy
    assert remedy["trial"]["on"] == ["production's schema", "an empty database"]
    added = {line[1:].strip() for line in remedy["diff"].splitlines() if line.startswith("+")}
    changed = {line[1:].strip() for line in remedy["diff"].splitlines()}
    assert set(case.says) <= added | changed, remedy["diff"]
    assert case.notes in "\n".join(remedy["notes"])


def test_a_stamp_is_not_offered_where_one_fact_differs(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    """All that 0002 makes is there, and a column that no revision makes."""
    case = Case(
        "",
        "CREATE TABLE tokens (id serial PRIMARY KEY, value varchar(40));"
        "CREATE INDEX ix_tokens_value ON tokens (value);",
        TOKENS,
        "",
    )

    remedies = tried(production, rehearse, tmp_path, case)

    [stamp] = [each for each in remedies if each["kind"] == "stamp"]
    assert stamp["trial"]["outcome"] == "not tried"
    assert "column public.users.by_hand" in stamp["trial"]["reason"]
    assert stamp["command"] == ""


def test_a_remedy_that_fails_its_trial_is_told_with_the_reason(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """Skipping the table would pass, and the application's rows would be refused by what only production has."""
    table = "CREATE TABLE tokens (id serial PRIMARY KEY, value varchar(40), must int NOT NULL);"
    case = Case("", table + "CREATE INDEX ix_tokens_value ON tokens (value);", TOKENS, "")

    [guard] = [each for each in tried(production, rehearse, tmp_path, case) if each["kind"] == "guard"]

    assert guard["trial"]["outcome"] == "failed"
    assert "column public.tokens.must" in guard["trial"]["reason"]
    assert guard["patch"] == []


def test_a_failure_that_no_edit_mends_is_named(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    """Of two failures one has nothing to do with what is there: a patch for the other would not pass."""
    case = Case("", "CREATE TABLE tokens (id int, value varchar(40));", TOKENS + 'op.execute("SELECT 1 / 0")', "")

    [guard] = tried(production, rehearse, tmp_path, case)

    assert guard["trial"]["outcome"] == "not tried"
    assert "SQLSTATE 22012" in guard["trial"]["reason"]


def test_nothing_is_tried_when_it_is_not_asked_for(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    production.execute(VERSION + "CREATE TABLE tokens (id int);")
    project = write_project(tmp_path / "p", {"0001": USERS, "0002": TOKENS})

    run = rehearse(project, production.dump(), "--no-remedies", from_base=True)

    assert run.errors[0]["remedies"] == []
    assert "if_not_exists=True" in run.errors[0]["fix"]
