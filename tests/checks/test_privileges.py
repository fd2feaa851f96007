"""What roles of the application can't use after the upgrade: each case on a bad project and on its good twin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fix_projects import BODY, OWNER, Production, Run, Tool, write_project

ROLES = ("app_reader", "app_group", "app_boss")
STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, email text);
CREATE TABLE teams (id int PRIMARY KEY);
CREATE VIEW emails AS SELECT email FROM users;
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
REVOKE EXECUTE ON FUNCTION twice(int) FROM PUBLIC;
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
GRANT SELECT ON users, teams, emails TO app_reader;
GRANT INSERT ON teams TO app_group;
GRANT UPDATE (email) ON users TO app_reader;
GRANT USAGE ON SEQUENCE users_id_seq TO app_group;
GRANT EXECUTE ON FUNCTION twice(int) TO app_reader;
"""


@pytest.fixture
def roles(production: Production) -> Iterator[Production]:
    """Production with roles that only use it."""
    for role in ROLES:
        production.cluster_execute(f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    yield production
    production.cluster_execute(f"DROP OWNED BY {', '.join(ROLES)}")
    for role in ROLES:
        production.cluster_execute(f"DROP ROLE {role}")


def of(run: Run) -> list[dict[str, Any]]:
    return [each for each in run.report["findings"] if each["check"] == "privileges"]


@dataclass(frozen=True)
class Twins:
    """A body of upgrade() that is minded, and one that is not.

    Attributes:
        extra: SQL for production.
        line: of the statement, counted from the first line of the body.
    """

    name: str
    severity: str
    bad: str
    good: str
    role: str
    says: tuple[str, ...]
    grants: tuple[str, ...]
    line: int
    extra: str = ""


TWINS = [
    Twins(
        "a table made anew",
        "error",
        """
        op.drop_table("teams")
        op.create_table("teams", sa.Column("id", sa.BigInteger, primary_key=True))
        """,
        'op.alter_column("teams", "id", type_=sa.BigInteger)',
        "app_group",
        ("table public.teams: INSERT",),
        ("GRANT INSERT ON TABLE public.teams TO app_group",),
        1,
    ),
    Twins(
        "a view made anew",
        "error",
        """
        op.execute("DROP VIEW emails")
        op.execute("CREATE VIEW emails AS SELECT lower(email) AS email FROM users")
        """,
        'op.execute("CREATE OR REPLACE VIEW emails AS SELECT lower(email) AS email FROM users")',
        "app_reader",
        ("view public.emails: SELECT",),
        ("GRANT SELECT ON TABLE public.emails TO app_reader",),
        1,
    ),
    Twins(
        "a function made anew",
        "error",
        """
        op.execute("DROP FUNCTION twice(int)")
        op.execute("CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $1'")
        """,
        "op.execute(\"CREATE OR REPLACE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $1'\")",
        "app_reader",
        ("function public.twice(integer): EXECUTE",),
        ("GRANT EXECUTE ON FUNCTION public.twice(integer) TO app_reader",),
        1,
        "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;",
    ),
    Twins(
        "a column made anew",
        "error",
        """
        op.execute("DROP VIEW emails")
        op.drop_column("users", "email")
        op.add_column("users", sa.Column("email", sa.String(9)))
        """,
        'op.add_column("users", sa.Column("more", sa.Text))',
        "app_reader",
        ("column public.users.email: UPDATE",),
        ("GRANT UPDATE (email) ON TABLE public.users TO app_reader",),
        2,
    ),
    Twins(
        "a new table",
        "warning",
        'op.create_table("t", sa.Column("id", sa.Integer))',
        """
        op.create_table("t", sa.Column("id", sa.Integer))
        op.execute("GRANT SELECT ON t TO app_reader")
        """,
        "app_reader",
        ("table public.t: SELECT",),
        (
            "GRANT SELECT ON TABLE public.t TO app_reader",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO app_reader;",
        ),
        0,
    ),
]


@pytest.mark.parametrize("twins", TWINS, ids=lambda each: each.name)
def test_the_bad_project_is_told_and_its_good_twin_is_not(
    twins: Twins, roles: Production, rehearse: Tool, tmp_path: Path
) -> None:
    roles.execute(STAMPED + twins.extra)
    dump = roles.dump()

    bad, good = (
        rehearse(write_project(tmp_path / name, {"0001": "", "0002": body}), dump)
        for name, body in (("bad", twins.bad), ("good", twins.good))
    )

    [found] = [each for each in of(bad) if each["message"].startswith(twins.role)]
    assert found["severity"] == twins.severity
    assert tuple(found["evidence"]) == twins.says
    assert f"tried: {OWNER} may give them" in found["fix"]
    assert [grant for grant in twins.grants if grant not in found["fix"]] == [], found["fix"]
    assert found["location"]["line"] == BODY + twins.line
    assert of(good) == []
    assert [bad.status, good.status] == [1 if twins.severity == "error" else 0, 0]


@pytest.mark.parametrize(
    ("there", "body"),
    [
        ("", 'op.execute("REVOKE SELECT ON users FROM app_reader")'),
        ("", 'op.drop_table("teams")'),
        ("", 'op.rename_table("teams", "groups")'),
        (
            "GRANT app_group TO app_reader; GRANT SELECT ON users, teams, emails TO app_group;",
            """
            op.create_table("t", sa.Column("id", sa.Integer))
            op.execute("GRANT SELECT ON t TO app_group")
            """,
        ),
        (
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO app_reader;",
            'op.create_table("t", sa.Column("id", sa.Integer))',
        ),
    ],
    ids=["revoked", "dropped", "renamed", "by a group", "default privileges"],
)
def test_what_a_revision_means_or_a_role_has_otherwise_is_not_told(
    there: str, body: str, roles: Production, rehearse: Tool, tmp_path: Path
) -> None:
    roles.execute(STAMPED)
    member, _, rest = there.rpartition("app_reader; ")
    roles.cluster_execute(f"{member}app_reader" if member else "SELECT 1")
    roles.execute(rest or "SELECT 1")

    run = rehearse(write_project(tmp_path / "p", {"0001": "", "0002": body}), roles.dump())

    assert run.status == 0, run.stdout
    assert of(run) == []


def test_a_role_that_is_in_no_group_with_a_right_is_told_where_the_dump_has_the_groups(
    roles: Production, rehearse: Tool, tmp_path: Path
) -> None:
    roles.execute(STAMPED)
    body = """
    op.create_table("t", sa.Column("id", sa.Integer))
    op.execute("GRANT SELECT ON t TO app_group")
    """
    project = write_project(tmp_path / "p", {"0001": "", "0002": body})
    dump = roles.dump()
    plain = rehearse(project, dump)
    dump.write_text(dump.read_text() + "\nCREATE ROLE app_boss;\nGRANT app_group TO app_boss;\n")
    known = rehearse(project, dump)

    assert of(plain) == []
    assert [each["message"].split(" has no right")[0] for each in of(known)] == ["app_reader"]


def test_a_dump_without_grants_and_owners_says_what_it_cannot_show(
    roles: Production, rehearse: Tool, tmp_path: Path
) -> None:
    roles.execute(STAMPED)
    body = 'op.create_table("t", sa.Column("id", sa.Integer))'
    project = write_project(tmp_path / "p", {"0001": "", "0002": body})

    full, bare = rehearse(project, roles.dump()), rehearse(project, roles.dump("-x", "-O"))

    lines = (
        "what the migrating role may not do in production: the dump names no owners",
        "what other roles may use after the upgrade: the dump grants them nothing",
    )
    assert not set(lines) & set(full.report["not_tested"])
    assert set(lines) <= set(bare.report["not_tested"])
    assert of(bare) == []


def test_what_the_migrating_role_may_not_do_fails_though_a_superuser_may(
    roles: Production, rehearse: Tool, tmp_path: Path
) -> None:
    roles.execute(STAMPED)
    roles.cluster_execute("ALTER TABLE teams OWNER TO app_boss; CREATE ROLE app_super SUPERUSER")
    try:
        project = write_project(
            tmp_path / "p", {"0001": "", "0002": 'op.add_column("teams", sa.Column("n", sa.Integer))'}
        )
        dump = roles.dump()
        dump.write_text(dump.read_text() + "\nCREATE ROLE app_super;\nALTER ROLE app_super SUPERUSER;\n")

        owner, superuser = rehearse(project, dump), rehearse(project, dump, "--role", "app_super")
    finally:
        roles.cluster_execute("DROP ROLE app_super")

    assert [(each["check"], each["sqlstate"]) for each in owner.errors] == [("upgrade-failed", "42501")]
    assert superuser.status == 0, superuser.stdout
    assert any("it is a superuser here" in line for line in superuser.report["not_tested"])
