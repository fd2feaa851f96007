"""Each kind of object: one statement makes a difference, and the sentence says which."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from alembic_rehearsal import catalog
from alembic_rehearsal.catalog import Facts
from alembic_rehearsal.postgres import Cluster, databases

_numbers = itertools.count(1)

START = """
CREATE SCHEMA s;
CREATE ROLE kinds_app;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN short AS varchar(9) CONSTRAINT c1 CHECK (VALUE <> '');
CREATE TYPE pair AS (x integer, y text);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE SEQUENCE numbers;
CREATE TABLE t (id integer PRIMARY KEY, name text, mood mood DEFAULT 'sad', n numeric(8, 2));
CREATE TABLE child (t_id integer CONSTRAINT fk REFERENCES t, p integer CHECK (p > 0), span int4range);
CREATE INDEX ix ON t (name);
CREATE VIEW v AS SELECT id FROM t;
CREATE MATERIALIZED VIEW m AS SELECT name FROM t;
CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
CREATE RULE r AS ON DELETE TO child DO INSTEAD NOTHING;
CREATE POLICY p ON t USING (id > 0);
CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION watch();
CREATE PUBLICATION pub FOR TABLE t;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER far FOREIGN DATA WRAPPER w OPTIONS (host 'a');
CREATE FOREIGN TABLE ft (a integer) SERVER far;
CREATE USER MAPPING FOR kinds_app SERVER far OPTIONS (password 'one');
CREATE STATISTICS st ON id, n FROM t;
CREATE COLLATION co FROM "C";
CREATE OPERATOR s.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq);
CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION tc (COPY = simple);
"""

SAID = {
    "CREATE SCHEMA x": "schema x: wanted, not in production, with 1 owner",
    "DROP SCHEMA s CASCADE": "schema s: in production, not wanted, with 1 owner",
    "CREATE TABLE x (a integer, b text)": "table public.x: wanted, not in production, with 2 columns, 1 owner",
    "DROP TABLE child": "table public.child: in production, not wanted, with 1 check constraint, 3 columns, "
    "1 foreign key, 1 owner, 1 rule",
    "ALTER TABLE t ALTER n SET NOT NULL": "column public.t.n: nullable in production, NOT NULL wanted",
    "ALTER TABLE child SET UNLOGGED": "table public.child: no persistence in production, unlogged wanted",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY": "table public.t: no row security in production, enabled wanted",
    "ALTER TABLE t SET (fillfactor = 50)": "table public.t: no options in production, fillfactor=50 wanted",
    "ALTER TABLE t REPLICA IDENTITY FULL": "table public.t: no replica identity in production, full wanted",
    "ALTER TABLE t ADD z timestamptz NOT NULL": "column public.t.z (timestamp with time zone NOT NULL): wanted, "
    "not in production",
    "ALTER TABLE t DROP n": "column public.t.n (numeric(8,2)): in production, not wanted",
    "ALTER TABLE t ALTER n TYPE bigint": "column public.t.n: type numeric(8,2) in production, bigint wanted",
    "ALTER TABLE t ALTER mood DROP DEFAULT": "column public.t.mood: default 'sad'::public.mood in production, "
    "none wanted",
    "ALTER TABLE t ALTER n SET DEFAULT 1": "column public.t.n: no default in production, 1 wanted",
    "ALTER TABLE t ALTER id ADD GENERATED ALWAYS AS IDENTITY": "column public.t.id: no identity in production, "
    "always wanted",
    "ALTER TABLE t ADD g integer GENERATED ALWAYS AS (id * 2) STORED": "column public.t.g (integer): wanted, "
    "not in production",
    'ALTER TABLE child ADD z text COLLATE "C"': "column public.child.z (text): wanted, not in production",
    "ALTER TABLE t ALTER name SET STORAGE external": "column public.t.name: no storage in production, external wanted",
    "ALTER TABLE t ALTER name SET STATISTICS 7": "column public.t.name: no statistics in production, 7 wanted",
    "ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE": "primary key public.t.t_pkey (PRIMARY KEY (id)): in production, "
    "not wanted",
    "ALTER TABLE t RENAME CONSTRAINT t_pkey TO pk_t": "primary key on table public.t: named t_pkey in production, "
    "pk_t wanted",
    "ALTER TABLE t ADD CONSTRAINT u UNIQUE (name)": "unique constraint public.t.u (UNIQUE (name)): wanted, "
    "not in production",
    "ALTER TABLE child ADD CONSTRAINT c CHECK (p < 9) NOT VALID": "check constraint public.child.c (CHECK ((p < 9))): "
    "wanted, not in production",
    "ALTER TABLE child RENAME CONSTRAINT child_p_check TO ck": "check constraint on table public.child: "
    "named child_p_check in production, ck wanted",
    "ALTER TABLE child DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (t_id) REFERENCES t NOT VALID": "foreign key "
    "public.child.fk: validated in production, not validated wanted",
    "ALTER TABLE child ADD CONSTRAINT x EXCLUDE USING gist (span WITH &&)": "exclusion constraint public.child.x "
    "(EXCLUDE USING gist (span WITH &&)): wanted, not in production",
    "DROP INDEX ix": "index public.ix (CREATE INDEX ON public.t USING btree (name)): in production, not wanted",
    "ALTER INDEX ix RENAME TO ix_t_name": "index on table public.t: named ix in production, ix_t_name wanted",
    'CREATE UNIQUE INDEX "Odd" ON t (lower(name)) WHERE id > 3': 'index public."Odd" (CREATE UNIQUE INDEX ON '
    "public.t USING btree (lower(name)) WHERE (id > 3)): wanted, not in production",
    "ALTER TABLE t CLUSTER ON ix": "index public.ix: not clustered in production, clustered wanted",
    "ALTER SEQUENCE numbers INCREMENT 5": "sequence public.numbers: increment 1 in production, 5 wanted",
    "ALTER SEQUENCE numbers OWNED BY t.id": "sequence public.numbers: no owned by in production, public.t.id wanted",
    "CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE id > 1": "view public.v: definition SELECT t.id FROM public.t; "
    "in production, SELECT t.id FROM public.t WHERE (t.id > 1); wanted",
    "DROP MATERIALIZED VIEW m": "materialized view public.m (SELECT t.name FROM public.t;): in production, not wanted",
    "ALTER TABLE child DISABLE RULE r": "rule public.child.r: no enabled in production, disabled wanted",
    "DROP FUNCTION f": "function public.f(a integer) (CREATE OR REPLACE FUNCTION public.f(a integer) RETURNS integer "
    "LANGUAGE sql AS $function$SELECT 1$function$): in production, not wanted, with 1 owner",
    "CREATE PROCEDURE q() LANGUAGE sql AS ''": "procedure public.q() (CREATE OR REPLACE PROCEDURE public.q() LANGUAGE "
    "sql AS $procedure$$procedure$): wanted, not in production, with 1 owner",
    "DROP AGGREGATE total(integer)": "aggregate public.total(integer): in production, not wanted, with 1 owner",
    "ALTER TABLE t DISABLE TRIGGER tr": "trigger public.t.tr: enabled origin in production, disabled wanted",
    "ALTER TRIGGER tr ON t RENAME TO tr2": "trigger on table public.t: named tr in production, tr2 wanted",
    "ALTER EVENT TRIGGER e DISABLE": "event trigger e: enabled origin in production, disabled wanted",
    "ALTER TYPE mood RENAME VALUE 'sad' TO 'low'": "enum type public.mood: labels sad, happy in production, "
    "low, happy wanted",
    "ALTER DOMAIN short SET NOT NULL": "domain public.short: nullable in production, NOT NULL wanted",
    "ALTER DOMAIN short RENAME CONSTRAINT c1 TO c2": "check constraint on domain public.short: named c1 in production, "
    "c2 wanted",
    "ALTER TYPE pair ADD ATTRIBUTE z date": "composite type public.pair: attributes x integer, y text in production, "
    "x integer, y text, z date wanted",
    "DROP TYPE span": "range type public.span: in production, not wanted, with 1 owner",
    "ALTER POLICY p ON t USING (id > 5)": "policy public.t.p: using (id > 0) in production, (id > 5) wanted",
    "CREATE EXTENSION citext": "extension citext: wanted, not in production, with 1 comment",
    "COMMENT ON COLUMN t.name IS 'full'": "comment on column public.t.name (full): wanted, not in production",
    "COMMENT ON INDEX ix IS 'fast'": "comment on index public.ix (fast): wanted, not in production",
    "ALTER TABLE t OWNER TO kinds_app": "owner of table public.t: rehearsal_admin in production, kinds_app wanted",
    "GRANT SELECT ON t TO kinds_app WITH GRANT OPTION": "grant on table public.t to kinds_app (SELECT with "
    "grant option): wanted, not in production",
    "GRANT UPDATE (name) ON t TO kinds_app": "grant on column public.t.name to kinds_app (UPDATE): wanted, "
    "not in production",
    "REVOKE ALL ON FUNCTION f FROM PUBLIC": "grant on function public.f(a integer) to PUBLIC (EXECUTE): wanted, "
    "not in production",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO kinds_app": "default privileges "
    "of rehearsal_admin in s on tables: wanted, not in production",
    "ALTER PUBLICATION pub ADD TABLE child": "published table pub public.child: wanted, not in production",
    "ALTER PUBLICATION pub SET (publish = 'insert')": "publication pub: update yes in production, no wanted",
    "ALTER SERVER far OPTIONS (SET host 'b')": "server far: options host=a in production, host=b wanted",
    "ALTER FOREIGN TABLE ft ADD z text": "column public.ft.z (text): wanted, not in production",
    "DROP USER MAPPING FOR kinds_app SERVER far": "user mapping kinds_app on far: in production, not wanted",
    "ALTER STATISTICS st SET STATISTICS 9": "statistics public.st: no target in production, 9 wanted",
    "DROP COLLATION co": "collation public.co: in production, not wanted, with 1 owner",
    "DROP OPERATOR s.=== (text, text)": "operator s.===(text, text): in production, not wanted, with 1 owner",
    "CREATE CAST (mood AS integer) WITH INOUT": "cast public.mood as integer: wanted, not in production",
    "CREATE TRANSFORM FOR mood LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))": "transform public.mood "
    "for sql: wanted, not in production",
    "ALTER TEXT SEARCH DICTIONARY d (STOPWORDS = english)": "text search dictionary public.d: no options "
    "in production, stopwords = 'english' wanted",
    "ALTER TEXT SEARCH CONFIGURATION tc DROP MAPPING FOR word": "text search configuration public.tc: mappings",
}  # fmt: skip


@contextmanager
def _started(cluster: Cluster) -> Iterator[psycopg2.extensions.connection]:
    """Yield a connection to a database of its own, with START in a transaction that is rolled back in the end."""
    name = f"kinds_{next(_numbers)}"
    databases.create(cluster, name, template="template0")
    link = psycopg2.connect(**{**cluster.admin.kwargs(), "dbname": name})
    try:
        link.cursor().execute(START)
        yield link
    finally:
        link.close()
        databases.drop(cluster, name)


@pytest.fixture(scope="module")
def start15(cluster: Cluster) -> Iterator[psycopg2.extensions.connection]:
    with _started(cluster) as link:
        yield link


@pytest.fixture(scope="module")
def start17(cluster17: Cluster) -> Iterator[psycopg2.extensions.connection]:
    with _started(cluster17) as link:
        yield link


@pytest.fixture(scope="module")
def start18(cluster18: Cluster) -> Iterator[psycopg2.extensions.connection]:
    with _started(cluster18) as link:
        yield link


def _facts(link: psycopg2.extensions.connection) -> Facts:
    with link.cursor() as cursor:
        cursor.execute(catalog.SEARCH_PATH)
        cursor.execute(catalog.FACTS_SQL)
        rows = cursor.fetchall()
        cursor.execute("SET search_path TO public")
    return catalog.parse(rows)


@pytest.mark.parametrize("server", ["start15", "start17", "start18"])
def test_a_statement_is_told_by_its_sentence(server: str, request: pytest.FixtureRequest) -> None:
    """One start a server: each statement runs in a savepoint that is rolled back."""
    link = request.getfixturevalue(server)
    before = _facts(link)
    wrong = {}
    for statement, sentence in SAID.items():
        with link.cursor() as cursor:
            cursor.execute(f"SAVEPOINT one; SET LOCAL search_path TO public; {statement}")
            said = catalog.sentences(catalog.difference(before, _facts(link)))
            cursor.execute("ROLLBACK TO one; RELEASE one")
        # Since 16 a column is qualified only where it has to be.
        if not any(line.replace("t.", "").startswith(sentence.replace("t.", "")) for line in said):
            wrong[statement] = said

    assert wrong == {}
    assert _facts(link) == before


@pytest.mark.parametrize("server", ["start15", "start17", "start18"])
def test_the_start_has_a_fact_of_every_kind(server: str, request: pytest.FixtureRequest) -> None:
    facts = _facts(request.getfixturevalue(server))

    assert {key.kind for key in facts.definitions} >= {
        "schema", "table", "column", "primary key", "check constraint", "foreign key", "index", "sequence", "view",
        "materialized view", "function", "aggregate", "trigger", "rule", "policy", "event trigger", "enum type",
        "domain", "composite type", "range type", "extension", "publication", "published table", "foreign-data wrapper",
        "server", "foreign table", "user mapping", "statistics", "collation", "operator", "text search dictionary",
        "text search configuration", "owner", "grant", "comment",
    }  # fmt: skip


def test_since_18_a_named_not_null_is_a_fact(start18: psycopg2.extensions.connection) -> None:
    """As in pg_dump of 18: by its name, if that isn't the one that SET NOT NULL gives."""
    said = _said(start18, "ALTER TABLE t ADD CONSTRAINT must NOT NULL name")
    plain = _said(start18, "ALTER TABLE t ALTER name SET NOT NULL")

    assert said == (
        "not null constraint public.t.must: wanted, not in production",
        "column public.t.name: nullable in production, NOT NULL wanted",
    )
    assert plain == ("column public.t.name: nullable in production, NOT NULL wanted",)


def test_passwords_are_compared_and_not_shown(start15: psycopg2.extensions.connection) -> None:
    said = _said(start15, "ALTER USER MAPPING FOR kinds_app SERVER far OPTIONS (SET password 'hunter2')")

    assert len(said) == 1
    assert "hunter2" not in said[0]


def _said(link: psycopg2.extensions.connection, statement: str) -> tuple[str, ...]:
    before = _facts(link)
    with link.cursor() as cursor:
        cursor.execute(f"SAVEPOINT one; SET LOCAL search_path TO public; {statement}")
        said = catalog.sentences(catalog.difference(before, _facts(link)))
        cursor.execute("ROLLBACK TO one; RELEASE one")
    return said
