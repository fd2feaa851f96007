"""When deploys that die are tried at all, what they leave, and what is said where nothing could be shown."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alembic_rehearsal import catalog, readback
from alembic_rehearsal.again import boundaries, commits, cuts
from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import CommitCall, Location, Step
from alembic_rehearsal.postgres import databases
from evidence import CONTEXT, TRACE, statement
from fix_projects import BODY, CUTS_ALONE, OWNER, Production, Tool, write_project
from harness import alembic

STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
"""
SAVEPOINT = """
with op.get_bind().begin_nested():
    op.create_table("teams", sa.Column("id", sa.Integer))
"""
COUNTED = """
import pathlib
marks = pathlib.Path(__file__).with_name("runs")
marks.write_text(marks.read_text() + "x" if marks.exists() else "x")
op.execute("CREATE TABLE IF NOT EXISTS teams (id int)")
if len(marks.read_text()) < 3:
    op.execute("COMMIT")
"""
EVERYTHING = """
op.create_table("teams", sa.Column("id", sa.Integer))
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY ix_email ON users (email)")
    op.execute("CREATE TABLE parts (id int)")
op.add_column("users", sa.Column("age", sa.Integer))
op.execute("COMMIT")
op.execute("CREATE TABLE rest (id int)")
"""


@pytest.mark.parametrize("configure", ["", ", transaction_per_migration=True"])
def test_nothing_is_tried_where_each_revision_is_recorded_with_its_commit(
    configure: str, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """One transaction for all, with savepoints in it, or one for each revision: no commit parts a revision."""
    production.execute(STAMPED)
    revisions = {"0001": "", "0002": SAVEPOINT, "0003": 'op.create_table("more", sa.Column("id", sa.Integer))'}

    run = rehearse(write_project(tmp_path / "p", revisions, configure=configure), production.dump(), *CUTS_ALONE)

    assert run.status == 0, run.stdout
    assert "cuts" not in run.report["timings"]
    assert "half-way" not in run.stdout


def test_a_next_try_that_does_not_end_withholds_the_verdict(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(STAMPED)
    body = """
    if sa.inspect(op.get_bind()).has_table("teams"):
        op.execute("SELECT pg_sleep(600)")
    op.execute("CREATE TABLE teams (id int)")
    op.execute("COMMIT")
    """
    project = write_project(tmp_path / "p", {"0001": "", "0002": body})

    run = rehearse(project, production.dump(), *CUTS_ALONE, "--timeout", "10")

    assert run.status == 3, run.stdout
    [found] = run.report["findings"]
    assert (found["check"], found["severity"]) == ("not-retryable", "unproved")
    assert "did not end in time" in found["message"]


def test_a_next_try_that_something_else_stops_withholds_the_verdict(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(STAMPED)
    body = """
    if sa.inspect(op.get_bind()).has_table("teams"):
        op.execute("SET LOCAL statement_timeout = 1")
        op.execute("SELECT pg_sleep(600)")
    op.execute("CREATE TABLE teams (id int)")
    op.execute("COMMIT")
    """

    run = rehearse(write_project(tmp_path / "p", {"0001": "", "0002": body}), production.dump(), *CUTS_ALONE)

    assert run.status == 3, run.stdout
    assert "stopped by something else: SQLSTATE 57014" in run.report["findings"][0]["message"]


def test_rows_that_a_next_try_writes_again_are_a_warning(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(STAMPED)
    body = """
    op.execute("INSERT INTO users (email) VALUES ('root')")
    op.execute("COMMIT")
    """

    run = rehearse(write_project(tmp_path / "p", {"0001": "", "0002": body}), production.dump(), *CUTS_ALONE)

    assert run.status == 0, run.stdout
    [found] = [each for each in run.report["findings"] if each["check"] == "not-retryable"]
    assert found["severity"] == "warning"
    assert "table public.users: 2 rows after the second try, 1 undisturbed" in found["evidence"]


def test_a_command_that_commits_otherwise_each_time_is_not_taken_for_tried(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """The third run of it, the one to be killed, doesn't come to that commit."""
    production.execute(STAMPED)

    run = rehearse(write_project(tmp_path / "p", {"0001": "", "0002": COUNTED}), production.dump(), *CUTS_ALONE)

    assert any("it committed otherwise when it was run again" in line for line in run.report["not_tested"]), run.stdout


def test_commits_that_can_not_be_held_are_told(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    production.execute(STAMPED)
    body = """
    op.execute("SET synchronous_commit = off")
    op.execute("CREATE TABLE teams (id int)")
    op.execute("COMMIT")
    """

    run = rehearse(write_project(tmp_path / "p", {"0001": "", "0002": body}), production.dump(), *CUTS_ALONE)

    assert any("of 1 commits 0 were held" in line for line in run.report["not_tested"]), run.stdout


def test_on_a_server_of_somebody_elses_it_is_said_that_nothing_was_tried(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(STAMPED)
    role = f"lender_{secrets.token_hex(4)}"
    production.cluster_execute(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'x'")
    url = f"postgresql://{role}:x@127.0.0.1:{production.cluster.admin.port}/postgres"
    project = write_project(tmp_path / "p", {"0001": "", "0002": EVERYTHING})

    run = rehearse(project, production.dump(), *CUTS_ALONE, "--postgres", url)

    assert run.status == 0, run.stdout + run.stderr
    assert any("half-way through a revision (at " in line for line in run.report["not_tested"])


@pytest.mark.parametrize("number", range(1, 9))
def test_a_killed_command_and_an_ended_backend_leave_the_same(
    number: int, production: Production, tmp_path: Path
) -> None:
    """At each commit, without the tool's probe: SIGKILL of the command, and the end of its connection."""
    production.execute(STAMPED)
    project = write_project(tmp_path / "p", {"0001": "", "0002": EVERYTHING})

    states = [_state_after(production, project, number, die) for die in (_kill, _end_backend)]

    assert states[0] == states[1]


def _state_after(
    production: Production, project: Path, number: int, die: Callable[[subprocess.Popen[bytes], commits.Gate], None]
) -> tuple[catalog.Facts, object]:
    """Upgrade a copy of production until its commit of that *number*, and let it die there."""
    cluster, dbname = production.cluster, f"copy_{secrets.token_hex(4)}"
    databases.create(cluster, dbname, template=production.dbname, owner=OWNER)
    production.cluster_execute(f"ALTER ROLE {OWNER} LOGIN PASSWORD 'x'")
    address = f"{OWNER}:x@127.0.0.1:{cluster.admin.port}/{dbname}"
    ini = project / "alembic.ini"
    ini.write_text(
        f"[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.url = postgresql+psycopg2://{address}\n"
    )
    admin = replace(cluster.admin, dbname=dbname)
    with commits.gate(cluster.admin, dbname, OWNER) as gate:
        gate.close_at(number)
        command = subprocess.Popen(
            alembic("upgrade", "head"), cwd=project, stderr=subprocess.DEVNULL, start_new_session=True
        )
        while command.poll() is None and not gate.look():
            time.sleep(0.002)
        assert len(gate.seen) == number
        die(command, gate)
        command.wait(30)
        gate.open()
    state = catalog.read(admin), readback.version_tables_of(admin)
    databases.drop(cluster, dbname)
    return state


def _kill(command: subprocess.Popen[bytes], _gate: commits.Gate) -> None:
    os.killpg(command.pid, signal.SIGKILL)


def _end_backend(_command: subprocess.Popen[bytes], gate: commits.Gate) -> None:
    gate.open()


def test_a_gate_leaves_the_server_as_it_was(production: Production) -> None:
    admin = replace(production.cluster.admin, dbname=production.dbname)

    with commits.gate(production.cluster.admin, production.dbname, OWNER) as gate:
        gate.close_at(None)
        gate.open()

    with connected(admin) as connection, connection.cursor() as cursor:
        for setting, value in (("synchronous_standby_names", ""), ("synchronous_commit", "off")):
            cursor.execute("SELECT current_setting(%s)", (setting,))
            assert cursor.fetchone() == (value,)
        cursor.execute(
            "SELECT count(*) FROM pg_db_role_setting WHERE setdatabase = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert cursor.fetchone() == (0,)


STEP = Step("b", ("a",), Location("b.py"), "applied", 1.0, pid=0, began_at=10.0, ended_at=20.0)
ROW = statement(9, "UPDATE alembic_version SET version_num = 'b'", revision="", at=21.0)


@pytest.mark.parametrize(
    ("at", "in_transaction", "parts"),
    [
        (9.0, True, False),
        (15.0, True, True),
        (20.5, True, True),
        (22.5, True, False),
        (20.5, False, False),
        (11.0, False, True),
    ],
)
def test_a_commit_parts_a_revision_until_its_version_row_is_committed(
    at: float, in_transaction: bool, parts: bool
) -> None:
    """The row is written at 21; in a transaction it is committed at 22, else at once."""
    ddl = statement(1, "CREATE TABLE t ()", at=12.0)
    row = replace(ROW, in_transaction=in_transaction)
    trace = replace(TRACE, contexts=(CONTEXT,), steps=(STEP,), statements=(ddl, row), commits=(CommitCall(0, 1, 22.0),))

    assert bool(boundaries.found([at], trace)) is parts


def test_a_row_that_nobody_is_seen_to_commit_leaves_all_in_doubt() -> None:
    trace = replace(TRACE, steps=(STEP,), statements=(ROW,))

    assert len(boundaries.found([11.0, 30.0], trace)) == 2


def test_a_line_of_each_kind_is_tried_before_the_same_line_again() -> None:
    """Of forty commits of a loop and one elsewhere, the one elsewhere is among those that are tried."""
    place = Location("b.py", BODY)
    loop = [boundaries.Boundary(n, "b", place, "CREATE TABLE t ()", inside=False, bare=False) for n in range(1, 41)]
    bare = replace(loop[0], number=41, location=Location("b.py", 3), bare=True)
    last = replace(loop[0], number=42, location=Location("b.py", 4))

    picked = [each.number for each in cuts.chosen([*loop, bare, last])]

    assert picked == [*range(1, cuts.MOST), 42]
