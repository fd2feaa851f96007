"""The reproductions of real incidents, each with the cause that the tool has to name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fix_projects import Production, Tool, write_project

USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.String(255)))'
VERSION = """
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
"""
BUILT = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
"""
TOKENS = """
op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", sa.String(40)))
op.create_index("ix_tokens_value", "tokens", ["value"])
"""
REFLECTS = 'print(sa.Table("tokens", sa.MetaData(), autoload_with=op.get_bind()).c.value)'
PASSES_OVER = """
if not sa.inspect(op.get_bind()).has_table("tokens"):
    op.create_table("tokens", sa.Column("id", sa.Integer), sa.Column("value", sa.String(40)))
"""
COLOR = 'op.create_table("paint", sa.Column("c", sa.Enum("red", "blue", name="color")))'


@dataclass(frozen=True)
class Incident:
    """One reproduction.

    Attributes:
        bodies: of upgrade(), revision by revision from 0001; production is stamped `at`.
        sql: what production has instead of what the revisions up to `at` made.
        remedy: the kind of the one that passes its trial, "" where none does.
    """

    id: str
    sql: str
    bodies: tuple[str, ...]
    cause: str
    at: str = "0001"
    says: str = ""
    flags: tuple[str, ...] = ()
    comparison: str = ""
    evidence: tuple[str, ...] = ()
    remedy: str = ""


INCIDENTS = [
    Incident(
        "A1-made-by-hand",
        BUILT + "CREATE TABLE tokens (id int PRIMARY KEY, value text);",
        (USERS, TOKENS),
        "made-outside",
        says="no revision up to 0001 makes it",
        comparison="column public.tokens.value: type text in production, character varying(40) wanted",
        remedy="reconcile",
    ),
    Incident(
        "A1-version-behind",
        BUILT
        + "CREATE TABLE tokens (id serial PRIMARY KEY, value varchar(40));"
        + "CREATE INDEX ix_tokens_value ON tokens (value);"
        + "ALTER TABLE tokens ADD kind int;",
        (USERS, TOKENS, 'op.add_column("tokens", sa.Column("kind", sa.Integer))'),
        "version-behind",
        says="production's schema equals revision 0003's",
        remedy="stamp",
    ),
    Incident(
        "F-newer-models",
        BUILT
        + "CREATE TABLE tokens (id serial PRIMARY KEY, value varchar(40));"
        + "CREATE INDEX ix_tokens_value ON tokens (value);"
        + "CREATE TABLE notes (id serial PRIMARY KEY);",
        (
            USERS,
            TOKENS,
            'op.add_column("users", sa.Column("phone", sa.Text))',
            'op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True))',
        ),
        "made-outside",
        evidence=("not one of the columns that they add to older tables (1): create_all() makes tables",),
        remedy="guard",
    ),
    Incident(
        "E-table-that-code-reads",
        BUILT,
        (USERS, TOKENS, REFLECTS),
        "missing-in-production",
        at="0002",
        says="table public.tokens was dropped or renamed outside Alembic: revision 0002",
    ),
    Incident(
        "E-column-that-code-reads",
        BUILT + "CREATE TABLE tokens (id serial PRIMARY KEY); CREATE INDEX ix_tokens_value ON tokens (id);",
        (USERS, TOKENS, REFLECTS),
        "missing-in-production",
        at="0002",
        says="column public.tokens.value was dropped or renamed outside Alembic: revision 0002",
    ),
    Incident(
        "E-column-named-with-its-table",
        BUILT + "CREATE TABLE tokens (id serial PRIMARY KEY); CREATE INDEX ix_tokens_value ON tokens (id);",
        (USERS, TOKENS, 'op.execute("UPDATE users SET email = (SELECT max(t.value) FROM tokens t)")'),
        "missing-in-production",
        at="0002",
        says="column public.tokens.value was dropped or renamed outside Alembic: revision 0002",
    ),
    Incident(
        "A3-passed-over-by-the-revision-that-fails",
        BUILT + "CREATE TABLE tokens (id serial PRIMARY KEY);",
        (USERS, PASSES_OVER + 'op.create_index("ix_tokens_value", "tokens", ["value"])'),
        "made-outside",
        says="revision 0002, which does, left it as it was, without column public.tokens.value",
    ),
    Incident(
        "A3-passed-over",
        BUILT + "CREATE TABLE tokens (id serial PRIMARY KEY);",
        (
            USERS,
            PASSES_OVER,
            "op.execute(\"UPDATE tokens SET value = 'x'\")",
        ),
        "made-outside",
        says="revision 0002, which does, left it as it was, without column public.tokens.value",
        comparison="column public.tokens.value",
    ),
    Incident(
        "A2-never-stamped",
        BUILT,
        (USERS, TOKENS),
        "never-stamped",
        at="",
        flags=("--at", "base"),
        says="no version row",
        remedy="stamp",
    ),
    Incident(
        "C1-enum-by-hand",
        BUILT + "CREATE TYPE color AS ENUM ('red');",
        (USERS, COLOR),
        "made-outside",
        comparison="labels",
        remedy="reconcile",
    ),
    Incident(
        "C2-enum-made-twice",
        BUILT + "CREATE TYPE color AS ENUM ('red', 'blue'); CREATE TABLE paint (c color);",
        (
            USERS + "\n" + COLOR,
            'op.create_table("brush", sa.Column("c", sa.Enum("red", "blue", name="color")))',
        ),
        "enum-made-twice",
        says="enum type public.color is revision 0001's",
        remedy="guard",
    ),
    Incident(
        "D1-constraint-by-hand",
        BUILT + "ALTER TABLE users ADD CONSTRAINT uq_email UNIQUE (email);",
        (
            USERS,
            (
                'op.create_unique_constraint("uq_email", "users", ["email"])'
                "\n"
                'op.add_column("users", sa.Column("a", sa.Text))'
            ),
        ),
        "made-outside",
        comparison="as the revision wants it",
        remedy="guard",
    ),
    Incident(
        "E2-constraint-under-another-name",
        BUILT + "ALTER TABLE users ADD CONSTRAINT uq_users_email UNIQUE (email);",
        (
            USERS + '\nop.create_unique_constraint("users_email_key", "users", ["email"])',
            'op.drop_constraint("users_email_key", "users")',
        ),
        "other-name",
        says='"uq_users_email" instead of "users_email_key"',
        remedy="rename",
    ),
    Incident(
        "E1-column-dropped-by-hand",
        "CREATE TABLE users (id serial PRIMARY KEY);",
        (USERS, 'op.drop_column("users", "email")\nop.add_column("users", sa.Column("phone", sa.Text))'),
        "missing-in-production",
        says="column public.users.email was dropped or renamed outside Alembic: revision 0001",
        remedy="guard",
    ),
    Incident(
        "E1-column-dropped-as-the-revision-does",
        "CREATE TABLE users (id serial PRIMARY KEY);",
        (USERS, 'op.drop_column("users", "email")'),
        "version-behind",
        says="production's schema equals revision 0002's",
        remedy="stamp",
    ),
    Incident(
        "E1-never-made",
        BUILT,
        (USERS, 'op.drop_column("users", "phone")'),
        "never-made",
        says='Nothing makes "phone"',
        remedy="guard",
    ),
    Incident(
        "H1-view-by-hand",
        BUILT + "CREATE VIEW emails AS SELECT email FROM users;",
        (USERS, 'op.drop_column("users", "email")'),
        "other-dependants",
        says="view public.emails",
    ),
    Incident(
        "H2-view-by-hand-on-type-change",
        BUILT + 'CREATE VIEW "E mails" AS SELECT email FROM users; CREATE VIEW ids AS SELECT id FROM users;'
        'CREATE VIEW more AS SELECT * FROM "E mails";'
        "CREATE MATERIALIZED VIEW others AS SELECT upper(email) FROM users;",
        (USERS, 'op.alter_column("users", "email", type_=sa.Text)'),
        "other-dependants",
        says='depends on it: materialized view public.others, view public."E mails"',
        comparison="email)::text)",
        evidence=("no revision makes materialized view public.others", "view public.more stands on"),
    ),
    Incident(
        "H2-materialized-view-by-hand-on-type-change",
        BUILT + "CREATE MATERIALIZED VIEW emails AS SELECT email FROM users;",
        (USERS, 'op.alter_column("users", "email", type_=sa.Text)'),
        "other-dependants",
        says="depends on it: materialized view public.emails",
    ),
    Incident(
        "H2-policy-by-hand-on-type-change",
        BUILT + "CREATE POLICY own ON users USING (email = current_user);",
        (USERS, 'op.alter_column("users", "email", type_=sa.Text)'),
        "other-dependants",
        says="depends on it: policy public.users.own",
    ),
    Incident(
        "F1-create-all-of-newer-models",
        BUILT
        + "CREATE TABLE tokens (id serial PRIMARY KEY, value varchar(40), kind int);"
        + "CREATE INDEX ix_tokens_value ON tokens (value);"
        + "CREATE TABLE teams (id serial PRIMARY KEY);",
        (
            USERS,
            TOKENS,
            "".join(f'op.add_column("users", sa.Column("c{number}", sa.Integer))\n' for number in range(9)),
            'op.add_column("tokens", sa.Column("kind", sa.Integer))',
            'op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True))',
        ),
        "made-outside",
        says="no revision up to 0001 makes it",
        comparison="production has more, and nothing is different",
        remedy="guard",
    ),
    Incident(
        "N1-half-applied",
        BUILT + "ALTER TABLE users ADD phone text;",
        (
            USERS,
            """
            with op.get_context().autocommit_block():
                op.add_column("users", sa.Column("phone", sa.Text))
            op.create_index("ix_phone", "users", ["phone"])
            """,
        ),
        "half-applied",
        says="applied in part",
        remedy="guard",
    ),
    Incident(
        "A1-by-hand-and-no-way-from-base",
        BUILT + "CREATE TABLE tokens (id int PRIMARY KEY, value text); CREATE INDEX ix_tokens_value ON tokens (id);",
        (USERS + '\nop.execute("SELECT 1 / 0")', TOKENS),
        "origin-unknown",
        says="production has table public.tokens",
        comparison="column public.tokens.value: type text in production, character varying(40) wanted",
    ),
    Incident(
        "O1-owner",
        BUILT + "RESET ROLE; CREATE TABLE tokens (id int); SET ROLE app_production;",
        (
            USERS + '\nop.create_table("tokens", sa.Column("id", sa.Integer))',
            'op.add_column("tokens", sa.Column("a", sa.Text))',
        ),
        "no-right",
        says="the migrations run as app_production, and table public.tokens belongs to",
    ),
]


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda each: each.id)
def test_the_cause_is_named_with_its_evidence(
    incident: Incident, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    row = f"INSERT INTO alembic_version VALUES ('{incident.at}');" if incident.at else ""
    production.execute(VERSION + row + incident.sql)
    bodies = {f"{number:04}": body for number, body in enumerate(incident.bodies, 1)}

    run = rehearse(write_project(tmp_path / "p", bodies), production.dump(), *incident.flags, from_base=True)

    assert run.status == 1, run.stdout + run.stderr
    cause: dict[str, Any] | None = run.errors[0]["cause"]
    assert cause is not None, run.errors[0]
    assert cause["id"] == incident.cause, cause
    assert incident.says.lower() in cause["message"].lower(), cause
    assert incident.comparison in "\n".join(cause["comparison"]), cause
    assert all(each in "\n".join(cause["evidence"]) for each in incident.evidence), cause
    remedies = [each for finding in run.errors for each in finding["remedies"]]
    passed = [each["kind"] for each in remedies if each["trial"]["outcome"] == "passed"]
    assert passed[:1] == ([incident.remedy] if incident.remedy else []), remedies
