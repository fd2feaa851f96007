"""Whole runs on dumps that need a decision: no version row, several version tables, search_path, roles, rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_rehearsal.connect import connected
from fix_projects import BODY, OWNER, Production, Tool, write_project

USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))'
STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY);
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('0001');
"""
TOKENS = 'op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True))'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS})


def test_a_schema_only_dump_is_not_run_from_base(production: Production, project: Path, rehearse: Tool) -> None:
    """It stops with the recipe, before anything would collide; --at settles it."""
    production.execute(STAMPED)
    dump = production.folder / "schema.sql"
    dump.write_bytes(production.pg_dump("--schema-only"))

    stopped, told = rehearse(project, dump), rehearse(project, dump, "--at", "0001")

    assert stopped.status == 3
    assert "--data-only --table='*.alembic_version'" in stopped.report["findings"][0]["fix"]
    assert (told.status, told.report["to_revisions"]) == (0, ["0002"])


@pytest.mark.parametrize("table", ["sales_version", "new_version"])
def test_with_several_version_tables_at_is_of_the_one_that_env_py_configures(
    table: str, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """Also where production has not got that table; the other one keeps its row."""
    production.execute(
        STAMPED.replace("0001", "plugin_7") + "CREATE TABLE sales_version (version_num varchar(32) PRIMARY KEY);"
    )
    configure = f", version_table={table!r}"
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS}, configure=configure)

    done = rehearse(project, production.dump(), "--at", "0001")

    assert done.status == 0, done.stdout + done.stderr
    assert (done.report["from_revisions"], done.report["to_revisions"]) == (["0001"], ["0002"])


def test_a_version_table_with_more_columns_is_found(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    """`DefaultImpl.version_table_impl` lets a project add them; its rows come along from plain dump and archive."""
    production.execute(
        "CREATE TABLE users (id serial PRIMARY KEY);"
        "CREATE TABLE alembic_history (applied timestamptz DEFAULT now(), version_num varchar(32) PRIMARY KEY);"
        "INSERT INTO alembic_history (version_num) VALUES ('0001')"
    )
    project = write_project(
        tmp_path / "project", {"0001": USERS, "0002": TOKENS}, configure=', version_table="alembic_history"'
    )
    plain, archive = production.folder / "plain.sql", production.folder / "archive"
    plain.write_bytes(production.pg_dump())
    archive.write_bytes(production.pg_dump("-Fc"))

    runs = [rehearse(project, dump) for dump in (plain, archive)]

    assert [run.report["from_revisions"] for run in runs] == [["0001"], ["0001"]]
    assert [run.report["to_revisions"] for run in runs] == [["0002"], ["0002"]]


def test_a_production_that_was_never_stamped_fails_from_base(
    production: Production, project: Path, rehearse: Tool
) -> None:
    """--at base says that this is how production is; then the first revision collides, as it would there."""
    production.execute("CREATE TABLE users (id serial PRIMARY KEY)")
    dump = production.folder / "schema.sql"
    dump.write_bytes(production.pg_dump("--schema-only"))

    stopped, told = rehearse(project, dump), rehearse(project, dump, "--at", "base")

    assert stopped.status == 3
    assert told.places == [("0001", "42P07", BODY)]


def test_a_stamp_that_the_scripts_do_not_know_is_told(production: Production, project: Path, rehearse: Tool) -> None:
    """No traceback: one finding."""
    production.execute(STAMPED.replace("0001", "deadbeef"))

    done = rehearse(project, production.dump())

    assert done.status == 1, done.stdout + done.stderr
    [finding] = done.report["findings"]
    assert finding["check"] == "stamp-unknown"
    assert "deadbeef" in finding["message"]


def test_two_heads_are_told_with_the_merge(production: Production, project: Path, rehearse: Tool) -> None:
    """The command that joins them stands in the fix; with --target heads both run."""
    versions = project / "migrations" / "versions"
    other = (versions / "0002.py").read_text().replace("0002", "0003").replace("tokens", "others")
    (versions / "0003.py").write_text(other)
    production.execute(STAMPED)

    one, both = rehearse(project, production.dump()), rehearse(project, production.dump(), "--target", "heads")

    assert one.status == 1, one.stdout + one.stderr
    assert "alembic merge heads" in one.report["findings"][0]["fix"]
    assert (both.status, sorted(both.report["to_revisions"])) == (0, ["0002", "0003"])


def test_a_revision_that_can_not_be_loaded_names_file_and_line(
    production: Production, project: Path, rehearse: Tool
) -> None:
    """A syntax error is the revision's, not the tool's."""
    broken = project / "migrations" / "versions" / "0002.py"
    broken.write_text(broken.read_text().replace("def upgrade():", "def upgrade(:"))
    production.execute(STAMPED)

    done = rehearse(project, production.dump())

    assert done.status == 1, done.stdout + done.stderr
    [finding] = done.report["findings"]
    assert "SyntaxError" in finding["message"]
    assert finding["location"] == {"path": "migrations/versions/0002.py", "line": BODY - 1, "function": ""}


def test_an_env_that_can_not_be_imported_is_no_verdict(production: Production, project: Path, rehearse: Tool) -> None:
    """A missing requirement here says nothing about production."""
    env = project / "migrations" / "env.py"
    env.write_text("import no_such_module\n" + env.read_text())
    production.execute(STAMPED)

    done = rehearse(project, production.dump())

    assert done.status == 3, done.stdout + done.stderr
    assert done.report["findings"][0]["check"] == "project-did-not-start"


def test_a_version_table_of_another_name_and_schema_is_found(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """env.py's own word counts, also beside another version table."""
    project = write_project(
        tmp_path / "named",
        {"0001": USERS, "0002": TOKENS},
        configure=', version_table="history", version_table_schema="ops"',
    )
    production.execute(
        STAMPED + "CREATE SCHEMA ops; CREATE TABLE ops.history (version_num varchar(32) NOT NULL);"
        "INSERT INTO ops.history VALUES ('0001'); UPDATE alembic_version SET version_num = 'plugin'"
    )
    dump = production.folder / "full.sql"
    dump.write_bytes(production.pg_dump())

    done = rehearse(project, dump)

    assert done.status == 0, done.stdout + done.stderr
    assert (done.report["from_revisions"], done.report["to_revisions"]) == (["0001"], ["0002"])


def test_the_owner_of_the_configured_version_table_migrates(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """Of two histories in one database, each belongs to its own role: the run is done as the right one."""
    other = f"other_{production.dbname}"
    production.execute(STAMPED)
    with connected(production.cluster.admin) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {other}")
    project = write_project(
        tmp_path / "named",
        {"p1": "pass", "p2": 'op.execute("CREATE TABLE ops.mine (id int)")'},
        configure=', version_table="history", version_table_schema="ops"',
    )
    production.execute(f"RESET ROLE; CREATE SCHEMA ops AUTHORIZATION {other}; SET ROLE {other};")
    production.execute(
        f"RESET ROLE; SET ROLE {other}; CREATE TABLE ops.history (version_num varchar(32) NOT NULL);"
        "INSERT INTO ops.history VALUES ('p1')"
    )

    dump = production.folder / "full.sql"
    dump.write_bytes(production.pg_dump())

    done = rehearse(project, dump)

    assert done.status == 0, done.stdout + done.stderr
    assert done.report["migrator"]["role"] == other
    production.execute(f"RESET ROLE; DROP SCHEMA ops CASCADE; DROP ROLE {other}")


def test_a_search_path_set_on_the_database_is_kept(production: Production, tmp_path: Path, rehearse: Tool) -> None:
    """With -C the dump carries it: the version table is found in the schema where production has it."""
    production.execute(
        f"CREATE SCHEMA app; SET search_path = app; {STAMPED} ALTER DATABASE {production.dbname} SET search_path = app"
    )
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS})
    dump = production.folder / "c.sql"
    dump.write_bytes(production.pg_dump("-C"))

    done = rehearse(project, dump)

    assert done.status == 0, done.stdout + done.stderr
    assert (done.report["from_revisions"], done.report["to_revisions"]) == (["0001"], ["0002"])


def test_without_the_search_path_the_base_on_a_migrated_production_blocks(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """A plain dump doesn't carry it; the false green that this would be is an error, with what to add to the dump."""
    production.execute(f"CREATE SCHEMA app; SET search_path = app; {STAMPED}")
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS})
    dump = production.dump()

    blocked = rehearse(project, dump)
    with dump.open("a") as file:
        file.write(f"ALTER ROLE {OWNER} IN DATABASE anything SET search_path = app;\n")
    told = rehearse(project, dump)

    assert blocked.status == 1, blocked.stdout + blocked.stderr
    assert blocked.report["findings"][0]["check"] == "base-on-populated"
    assert told.status == 0, told.stdout + told.stderr


def test_what_the_role_may_not_do_fails_as_in_production(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """A table of another owner can't be altered; --role shows who could."""
    other = f"dba_{production.dbname}"
    production.execute(f"{STAMPED} RESET ROLE; CREATE ROLE {other}; ALTER TABLE users OWNER TO {other}")
    project = write_project(
        tmp_path / "project", {"0001": USERS, "0002": 'op.add_column("users", sa.Column("phone", sa.Text))'}
    )
    dump = production.dump()

    done = rehearse(project, dump)

    assert done.places == [("0002", "42501", BODY)]
    assert done.report["migrator"]["role"] == OWNER
    assert "no such role" in rehearse(project, dump, "--role", "nobody_knows").stderr
    production.execute(f"RESET ROLE; ALTER TABLE users OWNER TO {OWNER}; DROP ROLE {other}")


def test_a_dump_without_owners_is_restored_as_one_ordinary_role(
    production: Production, project: Path, rehearse: Tool
) -> None:
    """pg_dump -O -x: the role owns everything and is no superuser."""
    production.execute(STAMPED)

    done = rehearse(project, production.dump("-O", "-x"))

    assert done.status == 0, done.stdout + done.stderr
    assert done.report["migrator"]["is_superuser"] is False


def test_an_extension_of_the_platforms_list_may_be_created(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """PostgreSQL trusts superusers only with it; Render lets everybody: red without the platform, green with it."""
    production.execute(STAMPED)
    body = 'op.execute("CREATE EXTENSION pg_stat_statements")'
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})
    dump = production.dump()

    plain = rehearse(project, dump)
    (project / "render.yaml").write_text("services: []\n")
    render = rehearse(project, dump)

    assert plain.places == [("0002", "42501", BODY)]
    assert render.status == 0, render.stdout + render.stderr


def test_rows_that_the_dump_lacks_withhold_the_verdict_until_they_are_there(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """A 23503 from a table that is empty only in the rehearsal is no red; --include-data makes it a pass."""
    production.execute(
        STAMPED + "CREATE TABLE roles (id int PRIMARY KEY); INSERT INTO roles VALUES (1);"
        "CREATE TABLE grants (role_id int NOT NULL REFERENCES roles)"
    )
    project = write_project(
        tmp_path / "project", {"0001": USERS, "0002": 'op.execute("INSERT INTO grants VALUES (1)")'}
    )
    schema, full = production.dump(), production.folder / "full.sql"
    full.write_bytes(production.pg_dump())

    for dump in (schema, full):
        withheld = rehearse(project, dump)

        assert withheld.status == 3, withheld.stdout + withheld.stderr
        assert [each["check"] for each in withheld.report["findings"]] == ["rows-missing"]
        assert "--include-data public.roles" in withheld.report["findings"][0]["fix"]

    assert rehearse(project, full, "--include-data", "public.roles").status == 0


def test_a_seed_row_that_a_revision_reads_is_rows_missing_too(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """scalar_one() over an empty table is Python's error, and no more real than the server's would be."""
    production.execute(STAMPED + "CREATE TABLE roles (id int PRIMARY KEY); INSERT INTO roles VALUES (1)")
    body = 'op.get_bind().execute(sa.text("SELECT id FROM roles")).scalar_one()'
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    done = rehearse(project, production.dump())

    assert done.status == 3, done.stdout + done.stderr
    assert done.report["findings"][0]["check"] == "rows-missing"


def test_a_program_that_goes_on_with_its_own_data_work_misses_rows_too(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """Its failure outside any revision says nothing of production when it has just read an empty table."""
    production.execute(STAMPED + "CREATE TABLE roles (id int PRIMARY KEY); INSERT INTO roles VALUES (1)")
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS})
    (project / "migrate.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import command\nfrom alembic.config import Config\n"
        "command.upgrade(Config('alembic.ini'), 'head')\n"
        "engine = sa.create_engine('postgresql+psycopg2://deploy:secret@db.production.example:5432/app')\n"
        "with engine.connect() as connection:\n"
        "    connection.execute(sa.text('SELECT id FROM roles')).scalar_one()\n"
    )

    done = rehearse(project, production.dump(), "--command", "python migrate.py")

    assert done.status == 3, done.stdout + done.stderr
    assert [each["check"] for each in done.report["findings"]] == ["rows-missing"]
    assert "--include-data public.roles" in done.report["findings"][0]["fix"]


def test_half_done_work_is_told(production: Production, tmp_path: Path, rehearse: Tool) -> None:
    """What an autocommit block committed stays, and the next deploy meets it."""
    body = """
    op.add_column("users", sa.Column("phone", sa.Text))
    with op.get_context().autocommit_block():
        op.execute("CREATE UNIQUE INDEX CONCURRENTLY ix ON users (missing)")
    """
    production.execute(STAMPED)
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    done = rehearse(project, production.dump())

    assert done.places == [("0002", "42703", BODY + 2)]
    assert [line["outcome"] for line in done.report["revisions"]] == ["half-applied"]
    assert "  column public.users.phone" in done.report["state_left"]


def test_a_success_that_nobody_commits_is_blocked(production: Production, tmp_path: Path, rehearse: Tool) -> None:
    """A statement before context.configure() leaves the transaction to an env.py that never commits."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TOKENS})
    env = project / "migrations" / "env.py"
    env.write_text(
        env.read_text().replace(
            "    context.configure(", '    connection.exec_driver_sql("SELECT 1")\n    context.configure('
        )
    )
    production.execute(STAMPED)

    done = rehearse(project, production.dump())

    assert done.status == 1, done.stdout + done.stderr
    assert [each["check"] for each in done.report["findings"]] == ["heads-mismatch"]
