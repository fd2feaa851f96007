"""The survey goes on past what fails, and leaves the database as if each failing statement had been guarded."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Endpoint
from alembic_rehearsal.probe.rehearsal_probe import control
from harness import Project, Run, alembic, run


def survey(root: Path, endpoint: Endpoint, exchange: Path) -> Run:
    """Run `alembic upgrade head` as a survey."""
    done = run(alembic("upgrade", "head"), cwd=root, endpoint=endpoint, directory=exchange, mode="survey")
    assert done.of("probe-error") == []
    return done


def failures(done: Run) -> list[tuple[str, int | None, str]]:
    """Return revision, line and SQLSTATE of what failed."""
    return [(s["revision"], s["line"], s["error"]["sqlstate"]) for s in done.of("statement") if s["error"]]


def test_what_succeeds_between_failures_is_committed(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """The tables of the good statements are there afterwards."""
    root = project(
        "op.execute('create table a ()')\nop.execute('create table a ()')\nop.execute('create table b ()')",
        "op.execute('drop table nowhere')\nop.execute('create table c ()')",
    )

    done = survey(root, endpoint, exchange)

    assert done.status == 0
    assert failures(done) == [("r1", 11, "42P07"), ("r2", 10, "42P01")]
    with connected(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        assert [row[0] for row in cursor.fetchall()] == ["a", "alembic_version", "b", "c"]
        cursor.execute("SELECT version_num FROM alembic_version")
        assert cursor.fetchall() == [("r2",)]


def test_a_migration_that_handles_its_own_error_in_a_savepoint_does_so(
    project: Project, endpoint: Endpoint, exchange: Path
) -> None:
    """The except branch runs as in production, and the error isn't passed over."""
    body = (
        "bind = op.get_bind()\ntry:\n    with bind.begin_nested():\n        op.execute('select * from nowhere')\n"
        "except sa.exc.ProgrammingError:\n    op.execute('create table handled ()')\n"
        "op.execute('create table handled ()')"
    )

    done = survey(project(body), endpoint, exchange)

    assert failures(done) == [("r1", 13, "42P01"), ("r1", 16, "42P07")]
    assert [s["skipped"] for s in done.of("statement") if s["error"]] == [False, True]


@pytest.mark.parametrize(
    "raw",
    [
        "op.get_bind().connection.cursor().execute('select * from nowhere')",
        "op.get_bind().connection.cursor().copy_expert('copy nowhere from stdin', __import__('io').StringIO())",
    ],
)
def test_what_a_raw_cursor_breaks_ends_the_revision_only(
    project: Project, endpoint: Endpoint, exchange: Path, raw: str
) -> None:
    """The statements before it stay, the next revision runs."""
    root = project(
        f"op.execute('create table a ()')\n{raw}\nop.execute('create table b ()')", "op.execute('create table a ()')"
    )

    done = survey(root, endpoint, exchange)

    stopped = done.one("survey-stopped")
    assert (stopped["revision"], stopped["line"], stopped["error"]["sqlstate"]) == ("r1", 11, "42P01")
    assert failures(done) == [("r2", 10, "42P07")]
    assert done.status == 0


def test_a_commit_in_the_middle_is_no_obstacle(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """A raw COMMIT ends our savepoint too; the statements after it get a new one."""
    root = project(
        "op.execute('create table a ()')\nop.execute('COMMIT')\nop.execute('create table a ()')\n"
        "op.execute('create table b (); commit; create table c ()')\nop.execute('create table c ()')"
    )

    done = survey(root, endpoint, exchange)

    assert failures(done) == [("r1", 12, "42P07"), ("r1", 14, "42P07")]
    assert done.status == 0


def test_a_version_row_that_does_not_fit_does_not_end_the_survey(
    project: Project, endpoint: Endpoint, exchange: Path
) -> None:
    """The statement of the version table is passed over like any other, and the next row may find none."""
    with connected(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE alembic_version (version_num varchar(1))")

    done = survey(project("pass", "op.execute('drop table nowhere')"), endpoint, exchange)

    assert failures(done)[0][2] == "22001"
    assert ("r2", 10, "42P01") in failures(done)
    assert done.one("result")["heads"] == ["r2"]


def test_a_transaction_for_each_revision(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """Savepoints of one transaction are not taken for those of the next."""
    root = project(
        "op.execute('create table a ()')",
        "op.execute('create table a ()')",
        "op.execute('create table a ()')",
        configure=", transaction_per_migration=True",
    )

    done = survey(root, endpoint, exchange)

    assert failures(done) == [("r2", 10, "42P07"), ("r3", 10, "42P07")]
    assert done.status == 0


@pytest.mark.parametrize(
    "body",
    [
        "op.get_bind().execute(sa.text('select 1 as a from nowhere')).scalar()",
        "list(op.get_bind().execute(sa.text('select 1 as a from nowhere')))",
        "op.get_bind().execute(sa.select(sa.table('nowhere', sa.column('a')))).scalars().all()",
        "op.get_bind().execute(sa.text('insert into nowhere values (1) returning *')).first()",
        "op.get_bind().execute(sa.table('nowhere', sa.column('a')).insert().values(a=1)).rowcount",
        "op.get_bind().execute(sa.table('nowhere', sa.column('a')).update().values(a=1)).rowcount",
        "op.bulk_insert(sa.table('nowhere', sa.column('a')), [{'a': 1}, {'a': 2}])",
    ],
)
def test_the_result_of_a_failed_statement_is_empty(
    project: Project, endpoint: Endpoint, exchange: Path, body: str
) -> None:
    """A migration that asks for rows gets none, and goes on."""
    done = survey(project(f"{body}\nop.execute('create table after ()')"), endpoint, exchange)

    assert failures(done) == [("r1", 10, "42P01")]
    assert done.of("survey-stopped") == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("COMMIT", True),
        ("  -- why\n begin isolation level serializable", True),
        ("create table a (); commit", True),
        ("/* a */ savepoint x", True),
        ("set transaction read only", True),
        ("set local lock_timeout = '1s'", False),
        ("do $$ begin perform 1; end $$", False),
        ("create function f() returns void as $x$ begin; commit; end $x$ language plpgsql", False),
        ("create function f() returns int begin atomic select 1; select 2; end", False),
        ("insert into a values ('x; commit', \"; end\")", False),
        ("update a set b = E'\\'; commit; --'", False),
        ('create table commits ("end" int)', False),
    ],
)
def test_transaction_control_is_told_from_text_that_looks_like_it(statement: str, expected: bool) -> None:
    """Only statements that begin or end a transaction or a savepoint count."""
    assert control.is_control(statement) is expected
