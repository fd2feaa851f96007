"""A snapshot is production's schema, whole and as of one moment, and nothing of it is a secret."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import fix_dumps
import pytest
from fix_dumps import Restore, query
from fix_snapshots import PASSWORD, Live, make_reader

from alembic_rehearsal.errors import SnapshotError

SECRETS = (
    "CREATE FOREIGN DATA WRAPPER loose OPTIONS (api_token 'HUSH7');"
    "CREATE SERVER further FOREIGN DATA WRAPPER loose OPTIONS (host 'far.example', user 'HUSH1', u 'x://a:HUSH8@b');"
    "CREATE FOREIGN TABLE app.loose_t (id int OPTIONS (secret 'HUSH9')) SERVER further OPTIONS (password 'HUSH9');"
    'CREATE SERVER "odd \' name" FOREIGN DATA WRAPPER postgres_fdw;'
    "CREATE USER MAPPING FOR \"Weird Role-1\" SERVER \"odd ' name\" OPTIONS (user 'HUSH2', password E'HU\\'\\\\;SH3');"
    "CREATE USER MAPPING FOR PUBLIC SERVER further OPTIONS (password_required 'true');"
    "ALTER DATABASE shop SET app.jwt_secret = 'HUSH4';"
    "ALTER ROLE app_owner SET app.broker = 'amqp://user:HUSH5@queue/';"
    "ALTER ROLE app_owner IN DATABASE shop SET app.token = 'HUSH6'"
)


def test_what_is_restored_from_it_is_production(shop: Live, restore: Restore, tmp_path: Path) -> None:
    """Taken by a role that can only read: schema, owners, roles, memberships, settings, revision."""
    target = tmp_path / "production.sql.gz"
    taken = shop.take(target)
    schema = fix_dumps.schema_of(shop.cluster, "shop")
    fix_dumps.wipe(shop.cluster.admin)
    restored = restore(target, on=shop.cluster)
    again = fix_dumps.schema_of(shop.cluster, restored.dbname)
    admin = shop.cluster.admin

    # A user mapping's options are for its user and superusers only.
    mapping = "CREATE USER MAPPING FOR app_owner SERVER far"
    assert [line for line in difflib.ndiff(schema, again) if line[0] in "+-"] == [
        """-     "user" 'u'""",
        "-     password 'se;c''ret',",
        "- );",
        f"- {mapping} OPTIONS (",
        f"+ {mapping};",
    ]
    assert taken.revisions == {("app", "alembic_version"): ("abc123",)}
    assert [table.rows for table in restored.version_tables] == [("abc123",)]
    assert (restored.dbname, restored.owner, restored.owners_known) == ("shop", "app_owner", True)
    assert query(
        admin,
        "SELECT r.rolname, s.setconfig FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole ORDER BY 1",
    ) == [
        ("app_owner", ["work_mem=8MB"]),
        ("app_ro", ["statement_timeout=5s"]),
        (None, ["search_path=app, public"]),
    ]
    assert query(
        admin,
        "SELECT m.roleid::regrole::text, m.member::regrole::text, m.admin_option FROM pg_auth_members m"
        " WHERE m.member = 'app_owner'::regrole",
    ) == [("app_ro", "app_owner", True)]


def test_a_role_keeps_what_it_may_do(live15: Live, restore: Restore, tmp_path: Path) -> None:
    """Attributes decide whether a revision's CREATE ROLE or CREATE DATABASE works; unrelated roles aren't named."""
    live15.execute("ALTER ROLE app_owner CREATEROLE; CREATE ROLE deployer LOGIN IN ROLE app_owner; CREATE ROLE staff")
    live15.execute("ALTER ROLE ALL SET lock_timeout = '3s'; ALTER ROLE app_owner SET search_path = \"$user\", app")
    target = tmp_path / "production.sql"
    try:
        live15.take(target)
    finally:
        live15.execute("ALTER ROLE ALL RESET lock_timeout")
    fix_dumps.wipe(live15.cluster.admin)
    restore(target)
    admin = live15.cluster.admin

    assert query(admin, "SELECT rolcreaterole, rolcreatedb, rolsuper FROM pg_roles WHERE rolname = 'app_owner'") == [
        (True, False, False)
    ]
    assert query(admin, "SELECT pg_has_role('deployer', 'app_owner', 'MEMBER')") == [(True,)]
    assert "staff" not in target.read_text()
    settings = query(admin, "SELECT setrole::regrole::text, setconfig FROM pg_db_role_setting ORDER BY 1")
    query(admin, "ALTER ROLE ALL RESET lock_timeout")
    assert settings == [("-", ["lock_timeout=3s"]), ("app_owner", ['search_path="$user", app'])]


def test_no_secret_is_in_the_file(shop: Live, restore: Restore, tmp_path: Path) -> None:
    """Not even for a superuser, who sees them all; what was removed is counted, and the rest restores."""
    shop.execute(SECRETS)
    make_reader(shop.cluster.admin, "boss", "ALTER ROLE boss SUPERUSER")
    target = tmp_path / "production.sql"
    taken = shop.take(target, url=shop.url_of("boss"))
    text = target.read_text()
    fix_dumps.wipe(shop.cluster.admin)
    restored = restore(target, on=shop.cluster)

    found = re.findall(r"HUSH\d|SH3|se;c|zzz|127\.0\.0\.1", text) + [PASSWORD] * (PASSWORD in text)
    assert found == []
    assert taken.removed == 12
    assert "secrets removed: 4 in user mappings" in taken.notes
    assert "secrets removed: 2 in servers" in taken.notes
    assert "secrets removed: 2 in foreign tables" in taken.notes
    assert "secrets removed: 1 in foreign data wrappers" in taken.notes
    assert "secrets removed: 3 in settings" in taken.notes
    assert "left out: subscription sub, with its connection string" in taken.notes
    assert "password_required 'true'" in text
    assert "host 'far.example'" in text
    assert [table.rows for table in restored.version_tables] == [("abc123",)]


def test_no_row_but_the_revision_is_in_the_file(live15: Live, tmp_path: Path) -> None:
    """The customers stay where they are."""
    live15.take(tmp_path / "production.sql")
    text = (tmp_path / "production.sql").read_text()

    assert "customer.example" not in text
    assert text.count("\nCOPY ") == 1
    assert "\n0001\n" in text


def test_it_says_when_and_what(live15: Live, tmp_path: Path) -> None:
    """The header names time, server and revision; an invalid index, which pg_dump leaves out, is in a comment."""
    live15.execute(
        "CREATE INDEX half_built ON app.users (email);"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.half_built'::regclass"
    )
    taken = live15.take(tmp_path / "production.sql")
    head = (tmp_path / "production.sql").read_text().partition("CREATE ROLE")[0].splitlines()

    assert re.fullmatch(r"-- alembic-rehearsal: taken at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", head[1])
    assert head[2].startswith("-- alembic-rehearsal: server 15.")
    assert head[3] == "-- alembic-rehearsal: revision 0001 in public.alembic_version"
    assert head[4].startswith("-- alembic-rehearsal: invalid index app.half_built on app.users: CREATE INDEX half")
    assert len(head) == 5
    assert any("half_built" in note for note in taken.notes)


def test_version_tables_of_any_name_are_taken(live15: Live, restore: Restore, tmp_path: Path) -> None:
    """A name is no pattern: neither its capitals nor its star nor its quotes mean anything."""
    live15.execute(
        'CREATE SCHEMA "Odd.*"; CREATE TABLE "Odd.*"."Re""v|x" (version_num text);'
        'INSERT INTO "Odd.*"."Re""v|x" VALUES (\'h1\'), (\'h2\');'
        'CREATE TABLE "Odd.*".customers (version_num text, name text); INSERT INTO "Odd.*".customers VALUES (\'no\')'
    )
    taken = live15.take(tmp_path / "production.sql")
    fix_dumps.wipe(live15.cluster.admin)
    restored = restore(tmp_path / "production.sql")

    assert taken.revisions[("Odd.*", 'Re"v|x')] == ("h1", "h2")
    assert {table.rows for table in restored.version_tables} == {("0001",), ("h1", "h2")}
    assert "no\\t" not in (tmp_path / "production.sql").read_text()


def test_a_production_that_was_never_stamped(live15: Live, tmp_path: Path) -> None:
    """It is taken all the same, with a word on what to do."""
    live15.execute("DROP TABLE alembic_version")
    taken = live15.take(tmp_path / "production.sql")

    assert taken.revisions == {}
    assert any("--at base" in note for note in taken.notes)


def test_ddl_in_between_is_not_in_it(live15: Live, tmp_path: Path) -> None:
    """Both runs of pg_dump see what the first query saw."""

    def meanwhile(step: str) -> None:
        if step == "dumping the schema":
            live15.execute("CREATE TABLE app.before_schema (id int); ALTER TABLE app.users ADD COLUMN late int")
        if step == "dumping the version rows":
            live15.execute("CREATE TABLE app.before_rows (id int); ALTER TABLE app.users DROP COLUMN email")

    live15.take(tmp_path / "production.sql", progress=meanwhile)
    text = (tmp_path / "production.sql").read_text()

    assert not re.findall("before_schema|before_rows|late int", text)
    assert "email text" in text
    assert "\n0001\n" in text


def test_a_deploy_in_between_is_noticed(live15: Live, tmp_path: Path) -> None:
    """The snapshot is taken once more, and then shows what the deploy left."""
    said: list[str] = []

    def deploy_once(step: str) -> None:
        said.append(step)
        if said.count(step) == 1 and step == "dumping the version rows":
            live15.execute("CREATE TABLE app.late (id int); UPDATE alembic_version SET version_num = '0002'")

    live15.take(tmp_path / "production.sql", progress=deploy_once)
    text = (tmp_path / "production.sql").read_text()

    assert "production's revision moved from 0001 to 0002 meanwhile: once more" in said
    assert "CREATE TABLE app.late" in text
    assert "\n0002\n" in text
    assert "0001" not in text


def test_a_deploy_that_drops_a_table_at_that_moment(live15: Live, tmp_path: Path) -> None:
    """pg_dump fails on a table that its snapshot has and that is gone: the second try does without it."""
    said: list[str] = []

    def deploy_once(step: str) -> None:
        said.append(step)
        if said.count(step) == 1 and step == "dumping the schema":
            live15.execute("DROP TABLE app.users; UPDATE alembic_version SET version_num = '0002'")

    live15.take(tmp_path / "production.sql", progress=deploy_once)

    assert said.count("dumping the schema") == 2
    assert "app.users" not in (tmp_path / "production.sql").read_text()


def test_a_deploy_that_goes_on(live15: Live, tmp_path: Path) -> None:
    """A revision that moves each time gives no file, and the old one stays."""
    target = tmp_path / "production.sql"
    target.write_text("the last one")
    revisions = iter(("0002", "0003", "0004"))

    def deploy(step: str) -> None:
        if step == "dumping the version rows":
            live15.execute(f"UPDATE alembic_version SET version_num = '{next(revisions)}'")

    with pytest.raises(SnapshotError, match="moved from 0002 to 0003 while the snapshot was taken, for the second"):
        live15.take(target, progress=deploy)

    assert target.read_text() == "the last one"
