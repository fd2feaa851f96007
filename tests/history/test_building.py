"""The history from base: what each revision made, on a server of its own, remembered for the next run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alembic_rehearsal import causes, gate, ports
from alembic_rehearsal.catalog import Key
from alembic_rehearsal.history import History
from alembic_rehearsal.listening import Listener
from alembic_rehearsal.model import Evidence, Finding, Options, Report, Verdict
from fix_projects import Production, write_project

STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
CREATE TABLE teams (id int);
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
"""
USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.String(255)))'
TEAMS = 'op.create_table("teams", sa.Column("id", sa.Integer))'


@pytest.fixture
def histories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[History]:
    """Return the histories that this test's runs were explained by."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    seen: list[History] = []
    explained = causes.explained

    def listening(findings: tuple[Finding, ...], evidence: Evidence) -> tuple[Finding, ...]:
        if evidence.history is not None:
            seen.append(evidence.history)
        return explained(findings, evidence)

    monkeypatch.setattr(causes, "explained", listening)
    return seen


def rehearse(project: Path, dump: Path) -> Report:
    options = Options(dump=str(dump), directory=str(project), postgres="local")
    return gate.rehearse_upgrade(options, os.environ, Listener())


def test_every_revision_is_told_with_what_it_made(
    histories: list[History], production: Production, tmp_path: Path
) -> None:
    production.execute(STAMPED)
    project = write_project(tmp_path / "p", {"0001": USERS, "0002": TEAMS, "0003": 'op.drop_table("users")'})

    rehearse(project, production.dump())

    history = histories[0]
    assert history.complete, history.why
    assert history.revisions == ("0001", "0002", "0003")
    assert history.makers(Key("table", "public.teams")) == ("0002",)
    assert history.makers(Key("table", "public.users")) == ("0001",)
    after = [history.after(revision) for revision in ("0002", "0003")]
    assert [facts is not None and Key("table", "public.users") in facts for facts in after] == [True, False]


def test_a_second_run_takes_the_history_from_the_cache_until_a_revision_changes(
    histories: list[History], production: Production, tmp_path: Path
) -> None:
    production.execute(STAMPED)
    project = write_project(tmp_path / "p", {"0001": USERS, "0002": TEAMS})
    dump = production.dump()

    took = [rehearse(project, dump).timings["from base"] for _ in range(2)]
    changed = project / "migrations" / "versions" / "0002.py"
    changed.write_text(changed.read_text().replace('"id", sa.Integer', '"number", sa.Integer'))
    rehearse(project, dump)

    first, second, third = histories
    assert first == second
    # A build starts a server and the command; a cached one is read from a file.
    assert took[1] < took[0]
    assert Key("column", "public.teams.number") in third.end()
    assert Key("column", "public.teams.id") not in third.end()


def test_a_history_that_ends_early_says_where_and_why(
    histories: list[History], production: Production, tmp_path: Path
) -> None:
    """The cause that needs no more than what was built is still named."""
    production.execute(STAMPED)
    project = write_project(tmp_path / "p", {"0001": USERS + '\nop.execute("SELECT 1 / 0")', "0002": TEAMS})

    report = rehearse(project, production.dump())

    assert not histories[0].complete
    assert histories[0].why.startswith("revision 0001: ")
    assert "division by zero" in histories[0].why
    assert report.findings[0].sqlstate == "42P07"


def test_what_a_dba_made_is_taken_from_production(
    histories: list[History], production: Production, tmp_path: Path
) -> None:
    """The schema and the extension are no revision's; without them the history can't run from base."""
    production.cluster_execute("CREATE EXTENSION citext")
    production.execute("CREATE SCHEMA sales; CREATE TABLE sales.orders (id serial PRIMARY KEY, mail citext);" + STAMPED)
    orders = "op.execute('CREATE TABLE sales.orders (id serial PRIMARY KEY, mail citext)')"
    project = write_project(tmp_path / "p", {"0001": orders, "0002": TEAMS})

    rehearse(project, production.dump())

    assert histories[0].complete, histories[0].why
    assert histories[0].furnished


def test_a_history_whose_server_cannot_start_leaves_the_verdict_alone(
    histories: list[History], production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    production.execute(STAMPED)
    project = write_project(tmp_path / "p", {"0001": USERS, "0002": TEAMS})
    # A port that nobody may listen at.
    monkeypatch.setattr(ports, "pick", iter([ports.pick(), 1]).__next__)

    report = rehearse(project, production.dump())

    assert not histories[0].complete
    assert report.verdict is Verdict.BLOCKED
    assert [each.sqlstate for each in report.findings] == ["42P07"]
