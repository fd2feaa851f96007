"""Which version table the command uses is said by its own connection; tenants, views and offline mode among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alembic_rehearsal.connect import connected
from alembic_rehearsal.postgres import databases
from fix_projects import ENV, OWNER, Production, Tool, write_project

# https://alembic.sqlalchemy.org/en/latest/cookbook.html (schema-level multi-tenancy)
TENANTS = """\
from alembic import context
from sqlalchemy import engine_from_config, pool, text

config = context.config
engine = engine_from_config(config.get_section("alembic"), prefix="sqlalchemy.", poolclass=pool.NullPool)
for tenant in context.get_x_argument(as_dictionary=True)["tenant"].split("+"):
    with engine.connect() as connection:
        connection.execute(text(f"set search_path to {tenant}"))
        COMMIT
        connection.dialect.default_schema_name = tenant
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
REVISIONS = {
    "a": 'op.create_table("users", sa.Column("id", sa.Integer))',
    "b": 'op.add_column("users", sa.Column("x", sa.Integer))',
}
TENANT = """
CREATE SCHEMA {0};
CREATE TABLE {0}.users (id int);
CREATE TABLE {0}.alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO {0}.alembic_version VALUES ('a');
"""
PUBLIC = "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); INSERT INTO alembic_version VALUES ('b');"
STAMPED = """
CREATE TABLE users (id int);
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('a');
"""


def checks(report: dict[str, Any]) -> list[str]:
    return [each["check"] for each in report["findings"] if each["severity"] in ("error", "unproved")]


@pytest.mark.parametrize("tenants", ["t2", "t1+t2"])
def test_tenants_at_the_same_revision_are_told_apart(
    tenants: str, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """Same name, same rows: only the connection that env.py prepared knows which table it means."""
    production.execute(TENANT.format("t1") + TENANT.format("t2"))
    env = TENANTS.replace("COMMIT", "connection.commit()")
    project = write_project(tmp_path / "p", REVISIONS, env=env)

    done = rehearse(project, production.dump(), "-x", f"tenant={tenants}")

    assert done.status == 0, done.stdout + done.stderr
    assert (done.report["from_revisions"], done.report["to_revisions"]) == (["a"], ["b"])


def test_a_tenant_whose_upgrade_nobody_commits_is_no_pass(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """Another table of the same name is at the heads already: it is not the one that was written."""
    production.execute(PUBLIC + TENANT.format("t1") + TENANT.format("t2"))
    project = write_project(tmp_path / "p", REVISIONS, env=TENANTS.replace("        COMMIT\n", ""))

    done = rehearse(project, production.dump(), "-x", "tenant=t2")

    assert done.status == 1, done.stdout + done.stderr
    assert checks(done.report) == ["heads-mismatch"]


def test_a_preview_in_offline_mode_before_the_real_run_is_no_fault(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(STAMPED)
    offline = (
        "if context.is_offline_mode():\n"
        '    context.configure(dialect_name="postgresql")\n    context.run_migrations()\nelse:\n'
    )
    real = ENV.format(configure="")
    head, body = real.split("config = context.config\n")
    env = head + "config = context.config\n" + offline + "".join(f"    {line}\n" for line in body.splitlines())
    project = write_project(tmp_path / "p", REVISIONS, env=env)
    (project / "migrate.py").write_text(
        "from alembic import command\nfrom alembic.config import Config\n"
        "command.upgrade(Config('alembic.ini'), 'a:head', sql=True)\n"
        "command.upgrade(Config('alembic.ini'), 'head')\n"
    )

    done = rehearse(project, production.dump(), "--command", "python migrate.py")

    assert done.status == 0, done.stdout + done.stderr
    assert done.report["to_revisions"] == ["b"]


def test_a_view_in_the_version_tables_place_is_read_and_written(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(
        "CREATE TABLE users (id int); CREATE SCHEMA core;"
        "CREATE TABLE core.alembic_rows (version_num varchar(32) PRIMARY KEY);"
        "INSERT INTO core.alembic_rows VALUES ('a');"
        "CREATE VIEW alembic_version AS SELECT version_num FROM core.alembic_rows"
    )
    dump = production.folder / "full.sql"
    dump.write_bytes(production.pg_dump())

    done = rehearse(write_project(tmp_path / "p", REVISIONS), dump)

    assert done.status == 0, done.stdout + done.stderr
    assert set(done.report["to_revisions"]) == {"b"}


def test_another_services_row_is_not_this_ones(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    """The dump has the row of the usual table only: what fails from base for want of the other row is no red."""
    production.execute(
        STAMPED + "CREATE TABLE billing_version (version_num varchar(32) PRIMARY KEY);"
        "INSERT INTO billing_version VALUES ('a')"
    )
    project = write_project(tmp_path / "p", REVISIONS, configure=', version_table="billing_version"')

    done = rehearse(project, production.dump())

    assert done.status == 3, done.stdout + done.stderr
    assert "base-on-populated" in checks(done.report)


@pytest.mark.parametrize(
    ("at", "says"),
    [
        (("head",), "is a revision's id"),
        (("",), "is a revision's id"),
        (("a", "base"), "--at names one besides"),
        (("nosuch",), "have no revision of this id"),
        (("x" * 40,), "doesn't take it"),
    ],
)
def test_what_at_can_not_mean_is_wrong_usage(
    at: tuple[str, ...], says: str, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(STAMPED)
    flags = [word for each in at for word in ("--at", each)]

    done = rehearse(write_project(tmp_path / "p", REVISIONS), production.dump(), *flags)

    assert done.status == 2, done.stdout + done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_names_and_statements_beyond_the_databases_encoding(
    encoding: str, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """The incident itself with an accent in it, and a comment that no LATIN1 database can hold."""
    cluster = production.cluster
    databases.drop(cluster, production.dbname)
    with connected(cluster.admin) as connection, connection.cursor() as cursor:
        locale = f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
        cursor.execute(f"CREATE DATABASE {production.dbname} OWNER {OWNER} TEMPLATE template0 {locale}")
    production.execute("SET client_encoding = 'UTF8'; CREATE TABLE été (id int);" + STAMPED)
    body = 'op.create_table("été", sa.Column("id", sa.Integer))'
    other = 'op.execute("/* ✓ */ CREATE TABLE other (id int)")'
    dump = production.dump("-E", encoding)

    met, beyond = (
        rehearse(write_project(tmp_path / name, {"a": "", "b": text}), dump)
        for name, text in (("x", body), ("y", other))
    )

    assert met.status == 1, met.stdout + met.stderr
    # psycopg2 itself refuses to send an accent to a SQL_ASCII database.
    assert met.errors[0]["sqlstate"] == ("42P07" if encoding == "LATIN1" else "")
    assert beyond.status == 1, beyond.stdout + beyond.stderr
