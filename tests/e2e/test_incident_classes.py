"""Incidents that take more than a pending revision and a few objects: each on a bad project and on its good twin.

A check that isn't there yet skips its incidents, and takes them up by itself once it is registered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from test_incidents import STAMPED, TOKENS, USERS

from alembic_rehearsal.checks import CHECKS
from fix_projects import ENV, Production, Tool, write_project


@dataclass(frozen=True)
class State:
    """A project and a production.

    Attributes:
        sql: production, as its owner; what only a superuser can do is in `admin`.
        files: besides migrations/versions, by path.
    """

    body: str = TOKENS
    sql: str = STAMPED
    admin: str = ""
    first: str = USERS
    env: str = ENV.format(configure="")
    flags: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Incident:
    id: str
    check: str
    bad: State
    good: State
    says: str = ""


SWALLOWING = ENV.format(configure="").replace(
    "        context.run_migrations()\n",
    "        try:\n            context.run_migrations()\n"
    "        except Exception as error:\n            assert 'already exists' in str(error)\n",
)
LOCKED = ENV.format(configure="").replace(
    "        context.run_migrations()\n",
    "        connection.exec_driver_sql('SELECT pg_advisory_xact_lock(1)')\n        context.run_migrations()\n",
)
LIVE = 'import sys\nsys.path.insert(0, ".")\nfrom models import users\nop.execute(sa.select(users))'
FROZEN = 'users = sa.table("users", sa.column("id"))\nop.execute(sa.select(users))'
MODELS = {"models.py": "import sqlalchemy as sa\nusers = sa.table('users', sa.column('id'), sa.column('phone'))\n"}
PHONE = 'op.add_column("users", sa.Column("phone", sa.Text))'
INDEX = (
    'with op.get_context().autocommit_block():\n    op.create_index("ix", "users", ["email"], '
    "postgresql_concurrently=True, if_not_exists=True)"
)
ALL = """
metadata = sa.MetaData()
sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.String(255)){more})
metadata.create_all(op.get_bind())
"""
OTHER_OWNER = """
DO $$ BEGIN CREATE ROLE app_other; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
ALTER TABLE users OWNER TO app_other;
"""
CLOSED = "ALTER SCHEMA public OWNER TO CURRENT_USER; GRANT USAGE ON SCHEMA public TO PUBLIC"

INCIDENTS = [
    Incident(
        "A2-never-stamped",
        "upgrade-failed",
        State(sql="CREATE TABLE users (id serial PRIMARY KEY, email varchar(255))", flags=("--at", "base")),
        State(),
        says="Revision 0001 failed with SQLSTATE 42P07",
    ),
    Incident(
        "F1-live-model",
        "upgrade-failed",
        State(LIVE, files=MODELS, more={"0003": PHONE}),
        State(FROZEN, files=MODELS, more={"0003": PHONE}),
        says="SQLSTATE 42703",
    ),
    Incident(
        "K1-swallowed-in-env",
        "heads-mismatch",
        State(sql=f"{STAMPED}CREATE TABLE sso_sessions (id int PRIMARY KEY)", env=SWALLOWING),
        State(env=SWALLOWING),
    ),
    Incident(
        "O1-owner", "upgrade-failed", State(PHONE, admin=OTHER_OWNER), State(PHONE), says="must be owner of table users"
    ),
    Incident(
        "O2-schema-public", "upgrade-failed", State(admin=CLOSED), State(), says="permission denied for schema public"
    ),
    Incident(
        "C4b-enum-made-by-hand",
        "divergence",
        State('op.execute("ALTER TABLE users ADD c color")', f"{STAMPED}CREATE TYPE color AS ENUM ('a')"),
        State("op.execute(\"CREATE TYPE color AS ENUM ('a')\")\nop.execute('ALTER TABLE users ADD c color')"),
    ),
    Incident(
        "E3-dropped-only-there",
        "divergence",
        State('op.drop_table("legacy")', f"{STAMPED}CREATE TABLE legacy (id int)"),
        State('op.drop_table("legacy", if_exists=True)', f"{STAMPED}CREATE TABLE legacy (id int)"),
    ),
    Incident(
        "F2-create-all",
        "divergence",
        State(first=ALL.format(more=', sa.Column("phone", sa.Text)')),
        State(first=ALL.format(more="")),
    ),
    Incident(
        "K3-stamped-and-absent",
        "divergence",
        State(sql=STAMPED.replace("0001", "0002")),
        State(sql=f"{STAMPED.replace('0001', '0002')}CREATE TABLE sso_sessions (id serial PRIMARY KEY)"),
    ),
    Incident("L2-four-at-once", "not-race-safe", State(), State(env=LOCKED)),
    Incident(
        "N1-half-applied",
        "not-retryable",
        State(f"{PHONE}\n{INDEX}"),
        State(PHONE.replace("sa.Text)", "sa.Text), if_not_exists=True") + f"\n{INDEX}"),
    ),
    Incident(
        "N2-raw-commit", "not-retryable", State(f"{PHONE}\nop.execute('COMMIT')\n{TOKENS}"), State(f"{PHONE}\n{TOKENS}")
    ),
]


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda each: each.id)
def test_the_incident_is_told_and_its_good_twin_is_not(
    incident: Incident, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    if incident.check not in {check.ID for check in CHECKS}:
        pytest.skip(f"there is no check {incident.check} yet")
    runs = []
    for name, state in (("bad", incident.bad), ("good", incident.good)):
        production.cluster_execute(
            "DROP OWNED BY app_production; DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
            "ALTER SCHEMA public OWNER TO pg_database_owner"
        )
        production.execute(state.sql)
        production.cluster_execute(state.admin or "SELECT 1")
        revisions = {"0001": state.first, "0002": state.body, **state.more}
        project = write_project(tmp_path / name, revisions, env=state.env)
        for path, text in state.files.items():
            (project / path).write_text(text)
        dump = production.folder / "production.sql"
        dump.write_bytes(production.pg_dump("--schema-only"))
        if "alembic_version" in state.sql:
            dump = production.dump()
        runs.append(rehearse(project, dump, *state.flags, from_base=incident.check == "divergence"))

    bad, good = runs
    found = [each for each in bad.report["findings"] if each["check"] == incident.check]
    assert found, bad.stdout
    assert incident.says in found[0]["message"]
    assert [each for each in good.report["findings"] if each["check"] == incident.check] == [], good.stdout
    assert good.status == 0, good.stdout
