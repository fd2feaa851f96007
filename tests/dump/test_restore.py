"""What a restore does with the particular statements of real dumps."""

from __future__ import annotations

import pytest
from fix_dumps import Restore, query

from alembic_rehearsal.errors import DumpError
from alembic_rehearsal.model import VersionTable
from alembic_rehearsal.postgres import Cluster

VERSION = (
    "CREATE TABLE public.alembic_version (\n    version_num character varying(32) NOT NULL\n);\n\n"
    "ALTER TABLE public.alembic_version OWNER TO app;\n"
    "COPY public.alembic_version (version_num) FROM stdin;\nabc\n\\.\n"
)


def test_lines_that_the_server_doesnt_know_are_left_out(restore: Restore) -> None:
    """Settings of later versions, statistics, psql's restrictions."""
    restored = restore(
        "\\restrict abc\nSET transaction_timeout = 0;\nSET made_up = 1;\n" + VERSION + "SELECT * FROM "
        "pg_catalog.pg_restore_relation_stats('relname', 'alembic_version', 'relpages', '1'::integer);\n"
        "\\unrestrict abc\n"
    )

    assert restored.version_tables == (VersionTable("public", "alembic_version", "app", ("abc",), 32),)
    assert restored.notes == ()


@pytest.mark.parametrize("schema", ["public", '"public"'])
def test_a_dump_of_the_public_schema(restore: Restore, schema: str) -> None:
    """pg_dump -n public --clean drops and makes it."""
    script = f"DROP TABLE public.alembic_version;\nDROP SCHEMA {schema};\nCREATE SCHEMA {schema};\n"

    assert restore(script + VERSION).table_count == 1


@pytest.mark.parametrize(
    ("columns", "width"), [("version_num text", None), ('"version_num" character varying(255) NOT NULL', 255)]
)
def test_a_version_table_is_told_by_its_column(restore: Restore, columns: str, width: int | None) -> None:
    """Whatever its name, schema and width; rows of INSERT dumps too."""
    restored = restore(
        f'CREATE SCHEMA meta;\nCREATE TABLE meta."Schema Rev" ({columns});\n'
        "CREATE TABLE meta.other (version_num text, more text);\n"
        "INSERT INTO meta.\"Schema Rev\" VALUES ('r1');\nINSERT INTO meta.other VALUES ('no', NULL);\n"
    )

    assert restored.version_tables == (VersionTable("meta", "Schema Rev", "rehearsal_owner", ("r1",), width),)
    assert restored.rows_left_out == {"meta.other"}
    assert restored.owner == "rehearsal_owner"


def test_several_version_tables_are_all_found(restore: Restore) -> None:
    """Alembic's usual one first; several rows are several heads."""
    restored = restore(
        "CREATE SCHEMA a;\nCREATE TABLE a.plugin_version (version_num text);\n" + VERSION.replace("abc", "x\nabc")
    )

    assert [table.name for table in restored.version_tables] == ["alembic_version", "plugin_version"]
    assert restored.version_tables[0].rows == ("abc", "x")


def test_an_empty_version_table_is_no_matter_of_the_restore(restore: Restore) -> None:
    """Whether to go on is decided elsewhere."""
    [table] = restore(VERSION.replace("abc\n", "")).version_tables

    assert table.rows == ()


def test_every_role_that_is_mentioned_is_made(cluster: Cluster, restore: Restore) -> None:
    """Whatever statement speaks of it, and without a right to log in."""
    restored = restore(
        VERSION
        + """
CREATE SCHEMA s AUTHORIZATION r_schema;
GRANT SELECT ON TABLE public.alembic_version TO r_grant, "R Quoted" WITH GRANT OPTION;
GRANT SELECT ON TABLE public.alembic_version TO PUBLIC;
REVOKE ALL ON TABLE public.alembic_version FROM r_revoke;
ALTER DEFAULT PRIVILEGES FOR ROLE r_for IN SCHEMA public GRANT ALL ON TABLES  TO r_default;
CREATE POLICY p ON public.alembic_version FOR SELECT TO r_policy, r_policy2 USING (true);
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER far FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR r_mapping SERVER far OPTIONS (password 'x');
SET SESSION AUTHORIZATION 'r_session';
RESET SESSION AUTHORIZATION;
GRANT r_group TO r_member WITH ADMIN OPTION GRANTED BY r_grantor;
ALTER ROLE r_setting SET work_mem TO '8MB';
ALTER SCHEMA public OWNER TO pg_database_owner;
GRANT pg_from_the_future TO r_member;
"""
    )

    made = query(
        cluster.admin, "SELECT rolname FROM pg_roles WHERE rolname ~ '^[rR][_ ]' AND NOT rolcanlogin ORDER BY 1"
    )
    assert {name for (name,) in made} == {
        "R Quoted", "r_default", "r_for", "r_grant", "r_group", "r_grantor", "r_mapping", "r_member", "r_policy",
        "r_policy2", "r_revoke", "r_schema", "r_session", "r_setting",
    }  # fmt: skip
    assert any("pg_from_the_future" in note for note in restored.notes)


def test_a_role_that_was_there_before_stays_as_it_is(cluster: Cluster, restore: Restore) -> None:
    """The server's own superuser may have the name of one in the dump."""
    name = cluster.admin.user
    restore(f"CREATE ROLE {name};\nALTER ROLE {name} WITH NOSUPERUSER NOLOGIN PASSWORD 'x';\n" + VERSION)

    assert query(cluster.admin, f"SELECT rolsuper, rolcanlogin FROM pg_roles WHERE rolname = '{name}'") == [
        (True, True)
    ]


def test_a_dump_of_roles_keeps_their_attributes(cluster: Cluster, restore: Restore) -> None:
    """But nobody logs in, and no password is taken over."""
    restore(
        "CREATE ROLE boss;\nALTER ROLE boss WITH NOSUPERUSER INHERIT CREATEROLE CREATEDB LOGIN NOREPLICATION "
        "BYPASSRLS CONNECTION LIMIT 3 PASSWORD 'SCRAM-SHA-256$4096:LOGIN' VALID UNTIL '2020-01-01 00:00:00+00';\n"
        + VERSION
    )
    columns = "rolcreaterole, rolcreatedb, rolbypassrls, rolcanlogin, rolconnlimit, rolvaliduntil, rolpassword"

    assert query(cluster.admin, f"SELECT {columns} FROM pg_authid WHERE rolname = 'boss'") == [
        (True, True, True, False, -1, None, None)
    ]


def test_trusted_extensions_belong_to_the_owner(cluster: Cluster, restore: Restore) -> None:
    """The role that may make one may drop it, as in production."""
    restored = restore("CREATE EXTENSION citext;\nCREATE EXTENSION postgres_fdw;\n" + VERSION)

    owners = "SELECT extname, pg_get_userbyid(extowner) FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"
    assert query(cluster.admin, owners, restored.dbname) == [("citext", "app"), ("postgres_fdw", "rehearsal_restore")]
    assert query(cluster.admin, "SET ROLE app; DROP EXTENSION citext", restored.dbname) == []


def test_what_only_superusers_may_own_stays_with_one(cluster: Cluster, restore: Restore) -> None:
    """A managed platform's own roles may more than ordinary ones."""
    restored = restore(
        VERSION
        + "CREATE FOREIGN DATA WRAPPER w;\nALTER FOREIGN DATA WRAPPER w OWNER TO app;\n"
        + "CREATE FUNCTION public.e() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;\n"
        + "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.e();\n"
        + "ALTER EVENT TRIGGER e OWNER TO app;\n"
    )

    assert query(cluster.admin, "SELECT pg_get_userbyid(evtowner) FROM pg_event_trigger", restored.dbname) == [
        ("rehearsal_restore",)
    ]
    assert [note.split(" stays")[0] for note in restored.notes] == ["foreign data wrapper w", "event trigger e"]


def test_rows_that_refer_to_rows_left_out(restore: Restore) -> None:
    """The error names the table to take along."""
    script = (
        VERSION + "CREATE TABLE public.a (id integer PRIMARY KEY);\nCREATE TABLE public.b (a_id integer);\n"
        "COPY public.a (id) FROM stdin;\n1\n\\.\nCOPY public.b (a_id) FROM stdin;\n1\n\\.\n"
        "ALTER TABLE ONLY public.b\n    ADD CONSTRAINT fk FOREIGN KEY (a_id) REFERENCES public.a(id);\n"
    )
    with pytest.raises(DumpError, match="23503") as caught:
        restore(script, include_data=["b"])

    assert "--include-data public.a" in caught.value.fix
    assert restore(script, include_data=["a", "b"]).rows_left_out == frozenset()


def test_rows_alone_that_refer_to_rows_left_out(restore: Restore) -> None:
    """Also when the constraint was there first."""
    script = (
        VERSION + "CREATE TABLE public.a (id integer PRIMARY KEY);\n"
        "CREATE TABLE public.b (a_id integer REFERENCES public.a(id));\nCOPY public.b (a_id) FROM stdin;\n1\n\\.\n"
    )
    with pytest.raises(DumpError, match="23503") as caught:
        restore(script, include_data=["b"])

    assert "--include-data public.a" in caught.value.fix


def test_a_pattern_that_names_nothing_is_noted(restore: Restore) -> None:
    """It may be a typing error."""
    assert restore(VERSION, include_data=["nowhere"]).notes == (
        "--include-data nowhere: the dump has no rows of such a table",
    )


TWO = (
    "CREATE DATABASE one WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'xx_XX.UTF-8';\n"
    "ALTER DATABASE one OWNER TO app;\n\\connect one\n\nSET client_encoding = 'UTF8';\n{}\n"
    "CREATE DATABASE two WITH TEMPLATE = template0 TABLESPACE = fast;\n\\connect two\n{}\n"
)


def test_the_database_with_a_version_table_is_the_one(cluster: Cluster, restore: Restore) -> None:
    """Of several; a locale that the server hasn't got is replaced with a note."""
    restored = restore(TWO.format(VERSION, "CREATE TABLE public.t (id integer);"))

    assert restored.dbname == "one"
    assert restored.owner == "app"
    assert any("LOCALE 'C.UTF-8'" in note for note in restored.notes)
    assert query(cluster.admin, "SELECT count(*) FROM pg_database WHERE datname IN ('one', 'two')") == [(1,)]


def test_several_databases_need_a_name(restore: Restore) -> None:
    """The error has the option; with it, errors of the others don't matter."""
    script = TWO.format(VERSION, VERSION.replace("abc", "def"))
    with pytest.raises(DumpError, match="several databases, one, two") as caught:
        restore(script)

    assert "--database-name one" in caught.value.fix
    [table] = restore(script, dbname="two").version_tables
    assert table.rows == ("def",)


def test_a_failure_says_in_which_database(restore: Restore) -> None:
    """And how to leave that one out."""
    script = VERSION + "\\connect two\n" + VERSION + "CREATE TABLE public.t (x made_up);\n"
    with pytest.raises(DumpError, match=r"line 18 of the dump, database two failed with SQLSTATE 42704") as caught:
        restore(script)

    assert "--database-name" in caught.value.fix


def test_a_database_that_every_server_has(cluster: Cluster, restore: Restore) -> None:
    """One that is in use could not be cloned, so production's `postgres` gets another name here."""
    restored = restore(
        "\\connect postgres\n" + VERSION + "ALTER DATABASE postgres SET search_path TO 'app';\n"
        "GRANT CONNECT ON DATABASE postgres TO app;\nALTER DATABASE postgres CONNECTION LIMIT 0;\n"
    )

    assert restored.dbname == "postgres_rehearsal"
    assert query(cluster.admin, "SHOW search_path", restored.dbname) == [("app",)]
    assert query(cluster.admin, "SHOW search_path") == [('"$user", public',)]


def test_an_odd_name_in_a_connection_string(restore: Restore) -> None:
    """What pg_dump -C writes for a name with spaces, quotes and backslashes."""
    restored = restore(
        'CREATE DATABASE "odd \\ ""db" WITH TEMPLATE = template0;\n\\encoding SQL_ASCII\n'
        '\\connect -reuse-previous=on "dbname=\'odd \\\\ ""db\'"\n' + VERSION
    )

    assert restored.dbname == 'odd \\ "db'


def test_materialized_views_that_cant_be_filled_are_noted(cluster: Cluster, restore: Restore) -> None:
    """One that reads another server isn't tried."""
    restored = restore(
        VERSION
        + "CREATE MATERIALIZED VIEW public.bad AS SELECT 1/(SELECT count(*) FROM public.alembic_version WHERE false) "
        "AS x WITH NO DATA;\nCREATE EXTENSION postgres_fdw;\n"
        "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '192.0.2.1');\n"
        "CREATE FOREIGN TABLE public.f (id integer) SERVER far;\nCREATE VIEW public.v AS SELECT * FROM public.f;\n"
        "CREATE MATERIALIZED VIEW public.far AS SELECT * FROM public.v WITH NO DATA;\n"
    )

    assert len(restored.notes) == 2
    assert "public.bad stays empty: SQLSTATE 22012" in restored.notes[0]
    assert "public.far stays empty: it reads from another server" in restored.notes[1]


def test_tablespaces_large_objects_and_labels_are_left_out(restore: Restore) -> None:
    """They are of the server's disk, of the rows, of a provider that isn't here."""
    restored = restore(
        "CREATE TABLESPACE fast OWNER x LOCATION '/mnt/fast';\nSET default_tablespace = fast;\n" + VERSION + "BEGIN;\n"
        "SELECT pg_catalog.lo_create('16400');\nALTER LARGE OBJECT 16400 OWNER TO x;\n"
        "SELECT pg_catalog.lo_open('16400', 131072);\nSELECT pg_catalog.lowrite(0, '\\x00');\nCOMMIT;\n"
        "GRANT ALL ON TABLESPACE fast TO x;\nSECURITY LABEL FOR dummy ON TABLE public.alembic_version IS 'x';\n"
    )

    assert [note.split(" were")[0] for note in restored.notes] == ["tablespaces", "large objects", "security labels"]


def test_production_settings_dont_stop_the_tool(cluster: Cluster, restore: Restore) -> None:
    """A database that is read-only by default is still restored, and stays so."""
    restored = restore(
        "CREATE DATABASE ro;\nALTER DATABASE ro SET default_transaction_read_only TO 'on';\n"
        "ALTER DATABASE ro SET made_up_setting TO 'x';\n\\connect ro\n"
        + VERSION
        + "CREATE MATERIALIZED VIEW public.m AS SELECT 1 AS x WITH NO DATA;\n"
    )

    assert query(cluster.admin, "SELECT x FROM public.m", restored.dbname) == [(1,)]
    assert query(cluster.admin, "SHOW default_transaction_read_only", restored.dbname) == [("on",)]
    assert any("made_up_setting" in note for note in restored.notes)


def test_a_batch_that_cant_be_one_transaction_runs_one_by_one(restore: Restore) -> None:
    """A value that was added to an enum can be used in a later transaction only."""
    script = "CREATE TYPE public.m AS ENUM ('a');\nALTER TYPE public.m ADD VALUE 'b';\n"

    assert restore(script + "CREATE TABLE public.t (m public.m DEFAULT 'b');\n" + VERSION).table_count == 2


def test_percent_signs_are_left_alone(cluster: Cluster, restore: Restore) -> None:
    """The driver would take them for parameters."""
    restored = restore(VERSION + "COMMENT ON TABLE public.alembic_version IS '100%s %(x)s %%';\n")

    comment = "SELECT obj_description('public.alembic_version'::regclass)"
    assert query(cluster.admin, comment, restored.dbname) == [("100%s %(x)s %%",)]


def test_objects_made_in_their_owners_names(cluster: Cluster, restore: Restore) -> None:
    """pg_dump --use-set-session-authorization; the owners are ordinary roles afterwards."""
    restored = restore(
        "SET SESSION AUTHORIZATION 'app';\nCREATE SCHEMA own;\nCREATE TABLE own.alembic_version (version_num text);\n"
        "RESET SESSION AUTHORIZATION;\nCREATE TABLE public.t (id integer);\n"
    )

    assert restored.owners_known
    assert restored.owner == "app"
    assert query(cluster.admin, "SELECT rolsuper FROM pg_roles WHERE rolname = 'app'") == [(False,)]


def test_a_grant_in_anothers_name_says_nothing_of_owners(restore: Restore) -> None:
    """pg_dump -O writes one where somebody handed a privilege on."""
    restored = restore(
        "CREATE TABLE public.alembic_version (version_num text);\n"
        "GRANT SELECT ON TABLE public.alembic_version TO a WITH GRANT OPTION;\nSET SESSION AUTHORIZATION a;\n"
        "GRANT SELECT ON TABLE public.alembic_version TO b;\nRESET SESSION AUTHORIZATION;\n"
    )

    assert not restored.owners_known
    assert restored.owner == "rehearsal_owner"


def test_a_type_of_an_extension_that_the_dump_left_out(restore: Restore) -> None:
    """pg_dump -n app has the tables and not what they need."""
    with pytest.raises(DumpError, match="42704") as caught:
        restore("CREATE TABLE public.t (email public.citext);\n")

    assert "--extension=NAME" in caught.value.fix
