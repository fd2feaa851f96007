"""Revisions that are run again on the schema that they leave."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_again import TEAMS, of, rehearsed

from fix_projects import BODY, Production, write_project

ONLY = ("--instances", "1", "--severity", "second-run-not-a-no-op=off")

# The body, and line, SQLSTATE and fix of each operation that is no no-op.
BAD = [
    (TEAMS, [(0, "42P07", "op.create_table(..., if_not_exists=True)")]),
    (
        'op.add_column("users", sa.Column("a", sa.Integer))\nop.create_index("ix", "users", ["a"])',
        [
            (0, "42701", "op.add_column(..., if_not_exists=True)"),
            (1, "42P07", "op.create_index(..., if_not_exists=True)"),
        ],
    ),
    (
        'op.execute("CREATE TABLE roles (name text)")\nop.execute("INSERT INTO roles VALUES (\'admin\')")',
        [(0, "42P07", "if_not_exists=True"), (1, "", "ON CONFLICT DO NOTHING")],
    ),
    ("op.execute(\"CREATE TYPE mood AS ENUM ('sad')\")", [(0, "42710", "checkfirst=True")]),
    ('op.drop_column("users", "email")', [(0, "42703", "op.drop_column(..., if_exists=True)")]),
    ('op.alter_column("users", "email", new_column_name="mail")', [(0, "42703", "")]),
    ('op.create_foreign_key("fk", "users", "users", ["id"], ["id"])', [(0, "42710", 'get_foreign_keys("...")')]),
]
GOOD = [
    'op.create_table("teams", sa.Column("id", sa.Integer), if_not_exists=True)',
    """
    op.execute("CREATE TABLE IF NOT EXISTS roles (name text PRIMARY KEY)")
    op.execute("INSERT INTO roles VALUES ('admin') ON CONFLICT DO NOTHING")
    op.execute("UPDATE roles SET name = 'admin'")
    """,
    'op.alter_column("users", "email", type_=sa.String(300))',
    # IF NOT EXISTS alone would pass over the invalid index that a deploy leaves which dies in between: not-retryable.
    """
    with op.get_context().autocommit_block():
        op.drop_index("ix", "users", postgresql_concurrently=True, if_exists=True)
        op.create_index("ix", "users", ["email"], postgresql_concurrently=True)
    """,
    """
    invalid = op.get_bind().execute(
        sa.text("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('ix') AND NOT indisvalid")
    )
    left = invalid.scalar()
    with op.get_context().autocommit_block():
        if left:
            op.drop_index("ix", "users", postgresql_concurrently=True)
        op.create_index("ix", "users", ["email"], postgresql_concurrently=True, if_not_exists=True)
    """,
    "pass",
]


@pytest.mark.parametrize(("body", "operations"), BAD)
def test_each_operation_that_is_no_no_op_is_told(
    body: str, operations: list[tuple[int, str, str]], production: Production, tmp_path: Path
) -> None:
    """One calm warning a revision; an error for each operation, with its fix, where everything has to be guarded."""
    project = write_project(tmp_path / "p", {"0001": "", "0002": body})

    calm = rehearsed(project, production, *ONLY)
    production.execute("DROP TABLE users, alembic_version")
    strict = rehearsed(project, production, *ONLY, "--idempotence", "repeatable")

    [warning] = of(calm, "not-repeatable")
    assert (calm.status, warning["severity"], warning["revision"]) == (0, "warning", "0002"), calm.stdout
    assert len([line for line in warning["evidence"] if line.startswith("migrations/versions/0002.py")]) == len(
        operations
    )
    errors = of(strict, "not-repeatable")
    assert strict.status == 1
    assert [(each["location"]["line"] - BODY, each["sqlstate"]) for each in errors] == [each[:2] for each in operations]
    for error, (_, _, fix) in zip(errors, operations, strict=True):
        assert fix in error["fix"]


@pytest.mark.parametrize("body", GOOD)
def test_guarded_operations_are_a_no_op(body: str, production: Production, tmp_path: Path) -> None:
    project = write_project(tmp_path / "p", {"0001": "", "0002": body})

    run = rehearsed(project, production, *ONLY, "--idempotence", "repeatable")

    assert run.status == 0, run.stdout + run.stderr
    assert of(run, "not-repeatable") == []


def test_what_goes_through_and_changes_the_schema_is_seen(production: Production, tmp_path: Path) -> None:
    """A constraint without a name is made a second time; a table that a later revision drops comes back."""
    revisions = {
        "0001": "",
        "0002": 'op.execute("ALTER TABLE users ADD CHECK (id > 0)")',
        "0003": 'op.execute("CREATE TABLE IF NOT EXISTS scratch (id int)")',
        "0004": 'op.execute("DROP TABLE IF EXISTS scratch")',
    }

    run = rehearsed(write_project(tmp_path / "p", revisions), production, *ONLY)

    told = {each["revision"]: " ".join(each["evidence"]) for each in of(run, "not-repeatable")}
    assert set(told) == {"0002", "0003", "0004"}, run.stdout
    assert "check constraint" in told["0002"]
    assert "table public.scratch" in told["0003"]


def test_a_revision_that_stops_is_told_with_what_follows(production: Production, tmp_path: Path) -> None:
    body = """
    raw = op.get_bind().connection.cursor()
    raw.execute("CREATE TABLE teams (id int)")
    op.execute("SELECT 1")
    """

    run = rehearsed(write_project(tmp_path / "p", {"0001": "", "0002": body}), production, *ONLY)

    [found] = of(run, "not-repeatable")
    assert "what follows was not tried" in " ".join(found["evidence"])
    assert "42P07" in " ".join(found["evidence"])
