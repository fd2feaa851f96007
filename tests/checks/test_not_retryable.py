"""Deploys that die half-way, on a real server: each kind of boundary, on a bad project and on its good twin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fix_postgres import of_engine
from fix_projects import BODY, CUTS_ALONE, Production, Run, Tool, write_project

STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
"""
# An engine that commits each statement by itself.
AUTOCOMMIT = """\
from alembic import context
from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg2://deploy@db.production.example/app", isolation_level="AUTOCOMMIT")
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
PROCEDURE = """
op.execute("CREATE OR REPLACE PROCEDURE build() LANGUAGE plpgsql AS $$ BEGIN {first}; COMMIT; {second}; END $$")
op.execute("COMMIT")
op.execute("CALL build()")
"""


@dataclass(frozen=True)
class Twins:
    """A kind of boundary.

    Attributes:
        bad: a body of upgrade() that can't be tried again after each of its commits.
        good: one that can, with the same boundary.
        places: the lines of the boundaries that the bad one can't go on from, counted from its body's first.
        ends: SQLSTATE of the next try, "" where it ends with status 0 and another schema.
    """

    id: str
    bad: str
    good: str
    places: tuple[int, ...]
    ends: str
    fix: str
    env: str | None = None
    configure: str = ""


TWINS = [
    Twins(
        "autocommit block after a table",
        """
        op.create_table("teams", sa.Column("id", sa.Integer))
        with op.get_context().autocommit_block():
            op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_email ON users (lower(email))")
        """,
        """
        op.execute("CREATE TABLE IF NOT EXISTS teams (id int)")
        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_email")
            op.execute("CREATE INDEX CONCURRENTLY ix_email ON users (lower(email))")
        """,
        (0,),
        "42P07",
        "op.create_table(..., if_not_exists=True)",
    ),
    Twins(
        "an invalid index that IF NOT EXISTS passes over",
        """
        with op.get_context().autocommit_block():
            op.create_index("ix_email", "users", ["email"], postgresql_concurrently=True, if_not_exists=True)
        """,
        """
        with op.get_context().autocommit_block():
            op.drop_index("ix_email", "users", postgresql_concurrently=True, if_exists=True)
            op.create_index("ix_email", "users", ["email"], postgresql_concurrently=True)
        """,
        (1,),
        "",
        'op.execute("DROP INDEX CONCURRENTLY IF EXISTS public.ix_email")',
    ),
    Twins(
        "CREATE INDEX CONCURRENTLY",
        """
        with op.get_context().autocommit_block():
            op.create_index("ix_email", "users", ["email"], postgresql_concurrently=True)
        """,
        """
        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_email")
            op.create_index("ix_email", "users", ["email"], postgresql_concurrently=True)
        """,
        (1,),
        "42P07",
        'op.execute("DROP INDEX CONCURRENTLY IF EXISTS public.ix_email")',
    ),
    Twins(
        "ALTER TYPE ADD VALUE",
        """
        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE mood ADD VALUE 'calm'")
        """,
        """
        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'calm'")
        """,
        (1,),
        "42710",
        "ADD VALUE IF NOT EXISTS",
    ),
    Twins(
        "COMMIT in SQL",
        """
        op.add_column("users", sa.Column("age", sa.Integer))
        op.execute("COMMIT")
        op.execute("CREATE TABLE teams (id int)")
        """,
        """
        op.execute("ALTER TABLE users ADD COLUMN IF NOT EXISTS age int")
        op.execute("COMMIT")
        op.execute("CREATE TABLE IF NOT EXISTS teams (id int)")
        """,
        (1,),
        "42701",
        "op.add_column(..., if_not_exists=True)",
    ),
    Twins(
        "a commit of the driver's",
        """
        op.add_column("users", sa.Column("age", sa.Integer))
        op.get_bind().connection.driver_connection.commit()
        op.execute("SELECT 1")
        """,
        """
        op.execute("ALTER TABLE users ADD COLUMN IF NOT EXISTS age int")
        op.get_bind().connection.driver_connection.commit()
        op.execute("SELECT 1")
        """,
        (0,),
        "42701",
        "op.add_column(..., if_not_exists=True)",
    ),
    Twins(
        "a second connection",
        """
        op.add_column("users", sa.Column("age", sa.Integer))
        with op.get_bind().engine.begin() as other:
            other.execute(sa.text("CREATE TABLE teams (id int)"))
        """,
        """
        op.add_column("users", sa.Column("age", sa.Integer))
        with op.get_bind().engine.begin() as other:
            other.execute(sa.text("CREATE TABLE IF NOT EXISTS teams (id int)"))
        """,
        (2,),
        "42P07",
        "op.create_table(..., if_not_exists=True)",
    ),
    Twins(
        "a connection that SQLAlchemy knows nothing of",
        """
        import psycopg2
        op.add_column("users", sa.Column("age", sa.Integer))
        other = psycopg2.connect("postgresql://deploy@db.production.example/app")
        other.autocommit = True
        other.cursor().execute("CREATE TABLE teams (id int)")
        """,
        """
        import psycopg2
        op.add_column("users", sa.Column("age", sa.Integer))
        other = psycopg2.connect("postgresql://deploy@db.production.example/app")
        other.autocommit = True
        other.cursor().execute("CREATE TABLE IF NOT EXISTS teams (id int)")
        """,
        (1,),
        "42P07",
        "op.create_table(..., if_not_exists=True)",
    ),
    Twins(
        "an engine in autocommit",
        """
        op.add_column("users", sa.Column("age", sa.Integer))
        op.execute("UPDATE users SET age = 1")
        """,
        """
        op.execute("ALTER TABLE users ADD COLUMN IF NOT EXISTS age int")
        op.execute("UPDATE users SET age = 1")
        """,
        (0,),
        "42701",
        "op.add_column(..., if_not_exists=True)",
        env=AUTOCOMMIT,
    ),
    Twins(
        "a procedure with COMMIT inside",
        PROCEDURE.format(first="CREATE TABLE one (id int)", second="CREATE TABLE two (id int)"),
        PROCEDURE.format(
            first="CREATE TABLE IF NOT EXISTS one (id int)", second="CREATE TABLE IF NOT EXISTS two (id int)"
        ),
        (2,),
        "42P07",
        "op.create_table(..., if_not_exists=True)",
    ),
]
MOOD = "CREATE TYPE mood AS ENUM ('glad');"


def told(run: Run) -> list[dict[str, Any]]:
    """Return what the check has found."""
    return [each for each in run.report["findings"] if each["check"] == "not-retryable"]


@pytest.mark.parametrize("twins", TWINS, ids=lambda each: each.id)
def test_the_bad_project_is_told_and_its_good_twin_is_not(
    twins: Twins, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(STAMPED + MOOD)

    runs = []
    for name, body in (("bad", twins.bad), ("good", twins.good)):
        project = write_project(tmp_path / name, {"0001": "", "0002": body}, env=twins.env, configure=twins.configure)
        runs.append(rehearse(project, production.dump(), *CUTS_ALONE))

    bad, good = runs
    assert told(good) == [], good.stdout
    assert good.status == 0
    assert any("deploys that die half-way" in note for note in good.report["notes"])
    assert bad.status == 1, [*bad.report["notes"], *bad.report["not_tested"]]
    for found in told(bad):
        assert found["severity"] == "error"
        assert found["revision"] == "0002"
        assert (found["sqlstate"] or "") == twins.ends
        assert twins.fix in found["fix"]
    assert tuple(each["location"]["line"] - BODY for each in told(bad)) == twins.places, bad.stdout


@pytest.mark.parametrize(
    "server", ["embedded", pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.xdist_group("docker")])]
)
def test_it_is_found_on_every_server_of_the_tools_own(
    server: str, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """Another major, and a server that listens in a container."""
    if server == "docker":
        of_engine()
    production.execute(STAMPED)
    project = write_project(tmp_path / "p", {"0001": "", "0002": TWINS[1].bad})

    run = rehearse(project, production.dump(), *CUTS_ALONE, "--postgres", server)

    assert run.status == 1, run.stdout + run.stderr
    assert run.report["server"]["provider"] == server
    [found] = told(run)
    assert "inside the statement of migrations/versions/0002.py:13" in found["message"]
    assert found["evidence"][0].startswith("committed by then, without its version row: index public.ix_email")
