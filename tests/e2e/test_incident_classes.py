"""Incidents that take more than a pending revision and a few objects: each on a bad project and on its good twin."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from test_incidents import STAMPED, TOKENS, USERS

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
# Dropped first: IF NOT EXISTS would pass over the invalid index of a try that died.
INDEX = """
with op.get_context().autocommit_block():
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix")
    op.create_index("ix", "users", ["email"], postgresql_concurrently=True)
"""
COLOR = """
postgresql.ENUM("a", "b", name="color").create(op.get_bind(), checkfirst=True)
"""
ADD_COLOR = 'op.execute("ALTER TABLE users ADD c color")'
ONCE = USERS + 'op.create_unique_constraint(None, "users", ["email"])'
DROP_ONCE = 'op.execute("ALTER TABLE users DROP CONSTRAINT IF EXISTS users_email_key")'
FROM_BASE = ("--from-base",)
COMPARED = ("--from-base", "--divergence", "on")
RACING = ("--idempotence", "race-safe", "--instances", "4", "--severity", "not-repeatable=off")
DYING = ("--idempotence", "retryable", "--instances", "1", "--severity", "not-repeatable=off")
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
        "K4-guard-over-other-labels",
        "divergence",
        State(f"{COLOR}{ADD_COLOR}", f"{STAMPED}CREATE TYPE color AS ENUM ('a')", flags=FROM_BASE),
        State(f"{COLOR}{ADD_COLOR}", flags=FROM_BASE),
        says="Revision 0002 does not do on production what it does from base",
    ),
    Incident(
        "E2b-if-exists-of-another-name",
        "divergence",
        State(DROP_ONCE, f"{STAMPED}ALTER TABLE users ADD CONSTRAINT once UNIQUE (email)", first=ONCE, flags=FROM_BASE),
        State(DROP_ONCE, f"{STAMPED}ALTER TABLE users ADD UNIQUE (email)", first=ONCE, flags=FROM_BASE),
        says="Revision 0002 does not do on production what it does from base",
    ),
    Incident(
        "F2-create-all",
        "divergence",
        State(first=ALL.format(more=', sa.Column("phone", sa.Text)'), flags=COMPARED),
        State(first=ALL.format(more=""), flags=COMPARED),
        says="Before the upgrade production differs",
    ),
    Incident(
        "K3-stamped-and-absent",
        "divergence",
        State(sql=STAMPED.replace("0001", "0002"), flags=COMPARED),
        State(
            sql=f"{STAMPED.replace('0001', '0002')}CREATE TABLE sso_sessions (id serial PRIMARY KEY)", flags=COMPARED
        ),
        says="Before the upgrade production differs",
    ),
    Incident("L2-four-at-once", "not-race-safe", State(flags=RACING), State(env=LOCKED, flags=RACING)),
    Incident(
        "N1-half-applied",
        "not-retryable",
        State(f"{PHONE}\n{INDEX}", flags=DYING),
        State(PHONE.replace("sa.Text)", "sa.Text), if_not_exists=True") + f"\n{INDEX}", flags=DYING),
        says="a part of revision 0002",
    ),
    Incident(
        "N2-raw-commit",
        "not-retryable",
        State(f"{PHONE}\nop.execute('COMMIT')\n{TOKENS}", flags=DYING),
        State(f"{PHONE}\n{TOKENS}", flags=DYING),
        says="a part of revision 0002",
    ),
]


@dataclass(frozen=True)
class Untold:
    """A history that runs on production and from nothing doesn't: `says` is why."""

    id: str
    sql: str
    body: str
    says: str


UNTOLD = [
    Untold(
        "C4b-enum-made-by-hand", f"{STAMPED}CREATE TYPE color AS ENUM ('a')", ADD_COLOR, 'type "color" does not exist'
    ),
    Untold(
        "E3-dropped-only-there",
        f"{STAMPED}CREATE TABLE legacy (id int)",
        'op.drop_table("legacy")',
        'table "legacy" does not exist',
    ),
]


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda each: each.id)
def test_the_incident_is_told_and_its_good_twin_is_not(
    incident: Incident, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
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
        runs.append(rehearse(project, dump, *state.flags))

    bad, good = runs
    found = [each for each in bad.report["findings"] if each["check"] == incident.check]
    assert found, bad.stdout
    assert incident.says in found[0]["message"]
    assert [each for each in good.report["findings"] if each["check"] == incident.check] == [], good.stdout
    assert good.status == 0, good.stdout


@pytest.mark.parametrize("incident", UNTOLD, ids=lambda each: each.id)
def test_what_production_alone_survives_is_said_to_be_untested(
    incident: Untold, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """It fails on every new database and not on production: no finding, and the report says so."""
    production.execute(incident.sql)
    project = write_project(tmp_path / "p", {"0001": USERS, "0002": incident.body})

    done = rehearse(project, production.dump(), *COMPARED)

    assert (done.status, done.report["findings"]) == (0, []), done.stdout
    [line] = [line for line in done.report["not_tested"] if "from base" in line]
    assert incident.says in line
