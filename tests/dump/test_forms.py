"""Every form of dump, from every major version at hand, gives production's schema back."""

from __future__ import annotations

from pathlib import Path

import pytest
from fix_dumps import COMPRESSED, FORMS, PRODUCTION, Production, Restore, query, schema_of

from alembic_rehearsal import dump
from alembic_rehearsal.model import VersionTable
from alembic_rehearsal.postgres import Cluster

WHOLE = [name for name in FORMS if name not in ("bare.sql", "rows.sql")]
VERSION = VersionTable("app", "alembic_version", "app_owner", ("abc123",), 32)


@pytest.mark.parametrize("form", WHOLE)
def test_a_restored_schema_is_productions(production: Production, restore: Restore, form: str) -> None:
    """pg_dump says the same of both: owners, grants, policies, publications, event triggers included."""
    restored = restore(production.folder / form, on=production.cluster)

    assert schema_of(production.cluster, restored.dbname) == production.schema
    assert restored.owners_known
    assert restored.owner == "app_owner"
    assert restored.table_count == 7
    [table] = restored.version_tables
    assert table.rows == (() if form == "schema.sql" else ("abc123",))
    assert (table.schema, table.name, table.owner, table.width) == ("app", "alembic_version", "app_owner", 32)


@pytest.mark.parametrize("form", COMPRESSED)
def test_archives_compressed_inside_are_read(production17: Production, restore: Restore, form: str) -> None:
    """pg_dump -Z zstd and -Z lz4, by the build that can: production's schema, and the rows that were asked for."""
    restored = restore(production17.folder / form, on=production17.cluster, include_data=["users"])

    assert schema_of(production17.cluster, restored.dbname) == production17.schema
    assert restored.version_tables[0].rows == ("abc123",)
    assert query(production17.cluster.admin, "SELECT count(*) FROM app.users", restored.dbname) == [(2,)]


@pytest.mark.parametrize("form", ["plain.sql", "inserts.sql", "custom.dump", "archive.tar", "directory"])
def test_rows_stay_behind_and_are_named(production: Production, restore: Restore, form: str) -> None:
    """Only tables that had a row are named: an empty one was empty in production too."""
    restored = restore(production.folder / form, on=production.cluster)

    assert restored.rows_left_out == {"app.users", "app.orders", "app.events_2024"}
    assert restored.rows_left_out
    assert query(production.cluster.admin, "SELECT count(*) FROM app.users", restored.dbname) == [(0,)]


@pytest.mark.parametrize("form", ["plain.sql", "inserts.sql", "custom.dump", "archive.tar", "directory"])
def test_rows_that_were_asked_for_come_along(production: Production, restore: Restore, form: str) -> None:
    """By name, by name with schema, by pattern; the sequences go on where production's were."""
    restored = restore(production.folder / form, on=production.cluster, include_data=["users", "app.ord*"])

    admin = production.cluster.admin
    assert restored.rows_left_out == {"app.events_2024"}
    assert query(admin, r"SELECT full_name FROM app.users ORDER BY id", restored.dbname) == [("A\\B",), ("tab\there",)]
    assert query(admin, "SELECT nextval('app.orders_id_seq')", restored.dbname) == [(3,)]


def test_a_schema_alone_has_no_rows(production: Production, restore: Restore) -> None:
    """Then a table that is empty says nothing about production."""
    restored = restore(production.folder / "schema.sql", on=production.cluster)

    assert restored.rows_left_out == restored.known_empty == frozenset()


@pytest.mark.parametrize("form", ["plain.sql", "clean.sql", "cluster.sql", "custom.dump", "directory", "archive.tar"])
def test_a_newer_dump_goes_into_an_older_server(
    production18: Production, production15: Production, restore: Restore, form: str
) -> None:
    """What pg_dump 18 sets and 15 doesn't know is left out."""
    restored = restore(production18.folder / form, on=production15.cluster)

    assert schema_of(production15.cluster, restored.dbname) == production15.schema


def test_an_older_dump_goes_into_a_newer_server(
    production15: Production, production18: Production, restore: Restore
) -> None:
    """There is nothing that 18 doesn't take from 15."""
    restored = restore(production15.folder / "cluster.sql", on=production18.cluster)

    assert restored.version_tables == (VERSION,)


@pytest.mark.parametrize("form", ["clean.sql", "cluster.sql", "custom.dump", "directory", "archive.tar"])
def test_settings_of_database_and_roles_are_applied(production: Production, restore: Restore, form: str) -> None:
    """Without the search_path, the upgrade would not find the version table; the database may be named otherwise."""
    name = PRODUCTION if form == "cluster.sql" else "other"
    restored = restore(production.folder / form, on=production.cluster, dbname=name)

    admin = production.cluster.admin
    assert restored.dbname == name
    assert query(admin, "SHOW search_path", name) == [("app, public",)]
    settings = query(
        admin,
        "SELECT r.rolname, s.setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
        f" JOIN pg_roles r ON r.oid = s.setrole WHERE d.datname = '{name}'",
    )
    assert settings == [("app_ro", ["statement_timeout=5s"])]


def test_a_dump_without_owners_belongs_to_one_ordinary_role(production: Production, restore: Restore) -> None:
    """All but what PostgreSQL gives to superusers only."""
    restored = restore(production.folder / "bare.sql", on=production.cluster)

    admin = production.cluster.admin
    owners = query(
        admin,
        "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace IN ('app'::regnamespace)"
        " UNION SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        " UNION SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'app'"
        " UNION SELECT pg_get_userbyid(extowner) FROM pg_extension WHERE extname = 'citext'",
        restored.dbname,
    )
    assert not restored.owners_known
    assert owners == [("rehearsal_owner",)]
    assert restored.owner == "rehearsal_owner"
    assert query(admin, "SELECT rolsuper, rolcanlogin FROM pg_roles WHERE rolname = 'rehearsal_owner'") == [
        (False, False)
    ]


def test_two_dumps_one_behind_the_other(production: Production, restore: Restore, tmp_path: Path) -> None:
    """A schema and the rows of its version table, as the recipe makes them."""
    folder = production.folder
    both = tmp_path / "both.sql"
    both.write_bytes((folder / "schema.sql").read_bytes() + (folder / "rows.sql").read_bytes())

    assert restore(both, on=production.cluster).version_tables == (VERSION,)


def test_roles_are_made_without_login(production: Production, restore: Restore) -> None:
    """pg_dumpall's roles keep their memberships and attributes; `postgres` is a superuser, as everywhere."""
    restore(production.folder / "cluster.sql", on=production.cluster)

    admin = production.cluster.admin
    assert query(admin, "SELECT rolname FROM pg_roles WHERE rolcanlogin") == [(admin.user,)]
    assert query(admin, "SELECT rolname FROM pg_roles WHERE rolsuper ORDER BY 1") == [
        ("postgres",),
        (admin.user,),
        ("rehearsal_restore",),
    ]
    assert query(
        admin, "SELECT member::regrole::text, admin_option FROM pg_auth_members WHERE roleid = 'app_ro'::regrole"
    ) == [("app_owner", True)]


def test_materialized_views_are_filled(production: Production, restore: Restore) -> None:
    """Though an event trigger of production forbids it there."""
    restored = restore(production.folder / "schema.sql", on=production.cluster)

    views = "SELECT relname FROM pg_class WHERE relkind = 'm' AND NOT relispopulated"
    assert query(production.cluster.admin, views, restored.dbname) == []


def test_subscriptions_are_left_out(production: Production, restore: Restore) -> None:
    """They would connect to production's publisher."""
    restored = restore(production.folder / "custom.dump", on=production.cluster)

    assert query(production.cluster.admin, "SELECT * FROM pg_subscription") == []
    assert any("subscription" in note and "sub" in note for note in restored.notes)


@pytest.mark.parametrize("form", [name for name in FORMS if name != "rows.sql"])
def test_inspect_says_what_the_dump_needs(production: Production, tmp_path: Path, form: str) -> None:
    """Version and extensions come from the head of the file; the name where the dump has it."""
    info = dump.inspect(production.folder / form, workdir=tmp_path)

    named = form in ("clean.sql", "custom.dump", "archive.tar", "directory")
    assert info.need.major == production.cluster.offer.major
    assert info.need.extensions == {"citext", "pg_trgm", "postgres_fdw"}
    assert not info.need.icu
    assert info.dbname == (PRODUCTION if named else None)
    assert info.dumped_by is not None
    assert info.size_bytes > 1000
    kinds = {"custom.dump": "custom", "archive.tar": "tar", "directory": "directory"}
    assert info.form == kinds.get(form, "plain")
    assert info.wrapping == ()


def test_the_cluster_fixture_is_left_as_it_was(cluster: Cluster, production15: Production) -> None:
    """These tests share their servers with others."""
    assert query(cluster.admin, "SELECT count(*) FROM pg_database") == [(3,)]
