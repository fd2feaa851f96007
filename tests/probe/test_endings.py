"""However a command ends, the probe says in which phase, where, and with which error of the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Endpoint
from harness import Project, Run, alembic, run

PASS = "pass"


def upgrade(root: Path, endpoint: Endpoint, exchange: Path, *arguments: str) -> Run:
    """Run `alembic upgrade head`, or what *arguments* say."""
    done = run(alembic(*(arguments or ("upgrade", "head"))), cwd=root, endpoint=endpoint, directory=exchange)
    assert done.of("probe-error") == []
    return done


def ended(done: Run) -> tuple[str, str, str | None, int | None]:
    """Return phase, revision, file and line of the exception that ended the command."""
    assert done.status != 0, done.output
    event = done.one("exception", final=True)
    return event["phase"], event["revision"], Path(event["path"]).name, event["line"]


@pytest.fixture
def version(endpoint: Endpoint, postgres_admin: Callable[[str], None]) -> Callable[..., None]:
    """Return a function that writes rows of the version table."""

    def write(*rows: str) -> None:
        values = ", ".join(f"('{row}')" for row in rows)
        postgres_admin(f"CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES {values}")

    return write


@pytest.fixture
def postgres_admin(endpoint: Endpoint) -> Callable[[str], None]:
    """Return a function that runs SQL in the database."""

    def execute(text: str) -> None:
        with connected(replace(endpoint)) as connection, connection.cursor() as cursor:
            cursor.execute(text)

    return execute


def test_an_unknown_revision_in_the_version_table(
    project: Project, endpoint: Endpoint, exchange: Path, version: Callable[..., None]
) -> None:
    """Alembic's own text is there, and the phase is the graph."""
    version("gone")

    done = upgrade(project(PASS), endpoint, exchange)

    assert ended(done)[0] == "graph"
    event = done.one("exception", final=True)
    assert event["type"] == "alembic.util.exc.CommandError"
    assert event["text"] == "Can't locate revision identified by 'gone'"
    assert done.one("context")["current"] == ["gone"]


def test_several_heads(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """The command is refused by the graph before any revision runs."""
    root = project(PASS, PASS)
    text = (root / "migrations/versions/r2.py").read_text()
    (root / "migrations/versions/r3.py").write_text(text.replace('"r2"', '"r3"'))

    done = upgrade(root, endpoint, exchange)

    assert ended(done)[0] == "graph"
    assert sorted(done.one("context")["heads"]) == ["r2", "r3"]


def test_overlapping_rows(project: Project, endpoint: Endpoint, exchange: Path, version: Callable[..., None]) -> None:
    """A row and its ancestor in the version table."""
    version("r1", "r2")

    done = upgrade(project(PASS, PASS, PASS), endpoint, exchange)

    assert ended(done)[0] == "graph"


def test_a_cycle(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """Alembic finds it when it reads the graph."""
    root = project(PASS, PASS)
    path = root / "migrations/versions/r1.py"
    path.write_text(path.read_text().replace("= None", "= 'r2'"))

    assert ended(upgrade(root, endpoint, exchange))[0] == "graph"


def test_an_id_that_is_used_twice_is_a_warning(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """Alembic only warns of it, and then runs one of the two."""
    root = project(PASS, PASS)
    text = (root / "migrations/versions/r2.py").read_text()
    (root / "migrations/versions/again.py").write_text(text)

    done = upgrade(root, endpoint, exchange, "upgrade", "heads")

    assert "Revision r2 is present more than once" in [w["text"] for w in done.of("warning")]


@pytest.mark.parametrize(("body", "line"), [("x = = 1", 10), ("pass\nimport nowhere_to_be_found\n", 11), ("1 / 0", 10)])
def test_a_revision_that_cannot_be_loaded(
    project: Project, endpoint: Endpoint, exchange: Path, body: str, line: int
) -> None:
    """The file and the line are those of the revision, also where its id is not known yet."""
    root = project(PASS, PASS)
    path = root / "migrations/versions/r2.py"
    path.write_text("\n" * 9 + body)

    assert ended(upgrade(root, endpoint, exchange)) == ("revision", "", "r2.py", line)


def test_an_error_in_the_code_of_a_revision(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """A Python error is placed like a server's."""
    done = upgrade(project(PASS, "len(\n    5)"), endpoint, exchange)

    assert ended(done) == ("revision", "r2", "r2.py", 10)
    assert done.one("exception", final=True)["error"] is None


def test_an_error_in_env_py(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """Nothing has been asked of the database."""
    done = upgrade(project(PASS, top="import nowhere_to_be_found"), endpoint, exchange)

    assert ended(done) == ("env", "", "env.py", 5)
    assert done.of("connect") == []


def test_an_error_in_what_env_py_imports(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """The line is that of the project's own module."""
    root = project(PASS, top="import sys; sys.path.insert(0, '.'); import models")
    (root / "models.py").write_text("import os\nos.environ['NEEDED_SECRET']\n")

    assert ended(upgrade(root, endpoint, exchange)) == ("env", "", "models.py", 2)


def test_env_py_that_leaves_with_a_status(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """`sys.exit` in the project is reported with the line that called it."""
    done = upgrade(project(PASS, top="import sys; sys.exit('no settings')"), endpoint, exchange)

    event = done.one("exception", final=True)
    assert (event["type"], event["text"], event["line"]) == ("SystemExit", "no settings", 5)


def test_a_version_row_that_does_not_fit(
    project: Project, endpoint: Endpoint, exchange: Path, postgres_admin: Callable[[str], None]
) -> None:
    """The statement is Alembic's, the revision is the one being applied, the SQLSTATE is the server's."""
    postgres_admin("CREATE TABLE alembic_version (version_num varchar(1))")

    done = upgrade(project(PASS), endpoint, exchange)

    assert ended(done)[:2] == ("command", "r1")
    assert done.one("exception", final=True)["error"]["sqlstate"] == "22001"


def test_an_error_at_the_commit(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """A deferred constraint fails after the last revision's code."""
    done = upgrade(
        project(
            "op.execute('create table a (id int primary key)')\n"
            "op.execute('create table b (a int references a deferrable initially deferred)')\n"
            "op.execute('insert into b values (1)')"
        ),
        endpoint,
        exchange,
    )

    assert ended(done)[0] == "command"
    error: dict[str, Any] = done.one("exception", final=True)["error"]
    assert (error["sqlstate"], error["table"], error["constraint"]) == ("23503", "b", "b_a_fkey")


def test_a_swallowed_error_is_reported_as_a_statement(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """The 25P02 that ends the run comes later than the statement that caused it."""
    done = upgrade(
        project("try:\n    op.execute('select nothing from nowhere')\nexcept Exception:\n    pass"), endpoint, exchange
    )

    states = [(s["line"], s["error"]["sqlstate"]) for s in done.of("statement") if s["error"]]
    assert states[0] == (11, "42P01")
    assert states[1][1] == "25P02"
    assert ended(done)[:2] == ("command", "r1")


def test_a_command_that_succeeds_reports_no_exception(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """Head, steps and the end are reported."""
    done = upgrade(project(PASS, PASS), endpoint, exchange)

    assert done.status == 0
    assert done.of("exception") == []
    assert done.one("result")["heads"] == ["r2"]
    assert [(s["revision"], s["phase"]) for s in done.of("step")] == [
        ("r1", "begin"),
        ("r1", "end"),
        ("r2", "begin"),
        ("r2", "end"),
    ]
    assert sorted(r["revision"] for r in done.one("revisions")["revisions"]) == ["r1", "r2"]
    assert len(done.of("bye")) == 1


def test_a_missing_configuration(tmp_path: Path, endpoint: Endpoint, exchange: Path) -> None:
    """Alembic ends before it looks at any script."""
    assert ended(upgrade(tmp_path, endpoint, exchange))[0] == "command"


def test_a_thread_may_leave_without_ending_the_command(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """`sys.exit` in another thread ends that thread only."""
    top = "import sys, threading; t = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join()"

    done = upgrade(project(PASS, top=top), endpoint, exchange)

    assert done.status == 0
    assert done.of("exception") == []
