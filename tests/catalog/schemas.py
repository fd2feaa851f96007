"""Generated schemas: statements over a few names, most of which fit together; those that don't are refused and skipped.

`pg_dump -s` is the oracle: `dumped` returns what it prints as a multiset of statements.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psycopg2
from hypothesis import strategies as st

from alembic_rehearsal.model import Endpoint
from alembic_rehearsal.postgres import Cluster, databases

ROLES = ("catalog_app", "catalog_reader")

# What a placeholder of a statement may stand for.
_POOLS: dict[str, tuple[str, ...]] = {
    "table": ("t1", "t2", "s1.t3", '"T 4"', "parted", "part_a"),
    "view": ("v1", "s1.v2"),
    "matview": ("m1", "s1.m2"),
    "column": ("a", "b", "c", "d", '"Odd ""Name"'),
    "type": (
        "integer", "bigint", "text", "varchar(20)", "numeric(8,2)", "timestamptz", "timestamp(3)", "boolean", "jsonb",
        "uuid", "text[]", "e1", "e1[]", "s1.d1", "ct1", "char(3)", 'text COLLATE "C"', "int4range", "bytea",
    ),
    "default": ("DEFAULT 1", "DEFAULT now()", "DEFAULT 'x'", "DEFAULT NULL", "NOT NULL", "NOT NULL DEFAULT 0", "", ""),
    "value": ("1", "'x'", "now()", "nextval('seq1')", "f1(2)", "'{}'", "NULL"),
    "name": ("n1", "n2", '"N 3"', "t1_a_key", "t1_pkey", "t1_a_not_null"),
    "check": ("a IS NOT NULL", "a > 0", "b <> 'x'", "length(b) < 9", "c IS NULL OR b = 'y'"),
    "valid": ("", "", " NOT VALID"),
    "defer": ("", "", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED"),
    "action": ("", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON UPDATE RESTRICT", " MATCH FULL"),
    "method": ("", " USING btree", " USING hash", " USING gin", " USING gist", " USING brin"),
    "key": ("a", "b", "a, b", "b DESC", "lower(b)", "(a + 1)", 'b COLLATE "C"', "a NULLS FIRST",
            "b text_pattern_ops"),
    "tail": ("", "", " INCLUDE (c)", " WHERE a > 0", " WITH (fillfactor = 70)"),
    "seq": ("seq1", "s1.seq2", "t1_a_seq"),
    "seqoption": ("INCREMENT 2", "START 5", "MINVALUE -3", "MAXVALUE 1000", "CYCLE", "CACHE 4", "AS smallint",
                  "OWNED BY t1.a", "OWNED BY NONE", "OWNED BY t2.b"),
    "query": ("SELECT a, b FROM t1", "SELECT a FROM t2 WHERE a > 1", "SELECT 1 AS one", "SELECT * FROM t1",
              "SELECT x.a, y.b FROM t1 x JOIN t2 y USING (a)", "SELECT count(*) AS n FROM s1.t3 GROUP BY a"),
    "label": ("x", "y", "z", "it''s"),
    "role": ("catalog_app", "catalog_reader", "PUBLIC"),
    "owner": ROLES,
    "privilege": ("SELECT", "INSERT", "ALL", "SELECT, UPDATE", "TRUNCATE", "REFERENCES"),
    "option": ("", "", " WITH GRANT OPTION"),
    "language": ("LANGUAGE sql", "LANGUAGE sql IMMUTABLE", "LANGUAGE sql STRICT COST 10",
                 "LANGUAGE sql SECURITY DEFINER",
                 "LANGUAGE sql SET search_path TO s1", "LANGUAGE sql STABLE PARALLEL SAFE"),
    "body": ("SELECT 1", "SELECT 2", "SELECT 1 -- why"),
    "event": ("BEFORE INSERT", "AFTER UPDATE OF a", "AFTER DELETE", "BEFORE INSERT OR UPDATE"),
    "when": ("", " WHEN (pg_trigger_depth() = 0)"),
    "enabled": ("ENABLE", "DISABLE", "ENABLE REPLICA", "ENABLE ALWAYS"),
    "each": ("ROW", "STATEMENT"),
    "command": ("ALL", "SELECT", "INSERT", "UPDATE", "DELETE"),
    "comment": ("'one'", "'two'", "NULL", "'it''s: 100'"),
    "object": ("TABLE t1", "TABLE s1.t3", "COLUMN t1.a", "COLUMN t1.b", "VIEW v1", "COLUMN v1.a", "SCHEMA s1",
               "TYPE e1", "TYPE ct1", "DOMAIN s1.d1", "SEQUENCE seq1", "FUNCTION f1(integer)", "INDEX n1",
               "INDEX t1_pkey", "CONSTRAINT n1 ON t1", "CONSTRAINT t1_pkey ON t1", "CONSTRAINT t1_a_not_null ON t1",
               "TRIGGER n1 ON t1", "POLICY n1 ON t1", "RULE n1 ON t1", "MATERIALIZED VIEW m1", "COLUMN m1.a",
               "COLUMN ct1.x", "PUBLICATION pub1", "STATISTICS st1", "EVENT TRIGGER et1",
               "CONSTRAINT n1 ON DOMAIN s1.d1", "AGGREGATE agg1(integer)", "TYPE r1", "COLLATION co1",
               "OPERATOR s1.=== (text, text)", "CAST (e1 AS integer)", "SERVER srv", "FOREIGN TABLE ft",
               "PROCEDURE p1()", "INDEX m1_a_idx"),
    "owned": ("TABLE t1", "TABLE s1.t3", "VIEW v1", "SCHEMA s1", "TYPE e1", "DOMAIN s1.d1", "SEQUENCE seq1",
              "FUNCTION f1(integer)", "MATERIALIZED VIEW m1", "PUBLICATION pub1", "STATISTICS st1", "TYPE r1",
              "AGGREGATE agg1(integer)", "SERVER srv", "FOREIGN DATA WRAPPER fdw", "COLLATION co1",
              "OPERATOR s1.=== (text, text)", "TEXT SEARCH DICTIONARY td1", "EVENT TRIGGER et1", "SCHEMA public"),
    "granted": ("TABLE t1", "TABLE v1", "TABLE s1.t3", "TABLE m1", "SEQUENCE seq1", "SCHEMA s1", "SCHEMA public",
                "FUNCTION f1(integer)", "TYPE e1", "DOMAIN s1.d1", "FOREIGN SERVER srv", "PROCEDURE p1()",
                "FOREIGN DATA WRAPPER fdw", "LANGUAGE plpgsql"),
    "right": ("SELECT", "ALL", "USAGE", "EXECUTE", "CREATE", "INSERT, DELETE"),
    "defaults": ("TABLES", "SEQUENCES", "FUNCTIONS", "TYPES", "SCHEMAS"),
    "inschema": ("", " IN SCHEMA s1", " IN SCHEMA public"),
    "drop": ("TABLE t1", "TABLE t2", "VIEW v1", "TYPE e1", "SEQUENCE seq1", "INDEX n1", "FUNCTION f1(integer)",
             "SCHEMA s1", "MATERIALIZED VIEW m1", "TABLE part_a"),
    "storage": ("PLAIN", "EXTERNAL", "MAIN", "EXTENDED"),
    "relation": ("t1", "t2", "s1.t3", '"T 4"', "v1", "m1", "seq1", "n1", "t1_pkey"),
    "reloption": ("fillfactor = 50", "autovacuum_enabled = false", "toast.autovacuum_enabled = false",
                  "parallel_workers = 2"),
}  # fmt: skip

# The first of these stand at the beginning of most schemas.
_START = (
    "CREATE SCHEMA s1",
    "CREATE TYPE e1 AS ENUM ('x', 'y')",
    "CREATE TABLE t1 (a integer PRIMARY KEY, b text, c timestamptz)",
    "CREATE TABLE t2 (a integer REFERENCES t1, b text NOT NULL DEFAULT 'x', c {type})",
    "CREATE TABLE s1.t3 (a serial, b varchar(20), c {type})",
    "CREATE FUNCTION f1(i integer) RETURNS integer {language} AS '{body}'",
    "CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE SEQUENCE seq1",
    "CREATE VIEW v1 AS {query}",
    "CREATE MATERIALIZED VIEW m1 AS {query}",
)

_STATEMENTS = (
    'CREATE TABLE "T 4" (a bigint GENERATED ALWAYS AS IDENTITY, b {type} {default}, c text)',
    "CREATE TABLE {table} (a {type} {default}, b {type} {default}, c text UNIQUE)",
    "CREATE UNLOGGED TABLE {table} (a integer, b text, c text) WITH ({reloption})",
    "CREATE TABLE {table} (LIKE t1 INCLUDING ALL)",
    "CREATE TABLE {table} (d integer, a integer) INHERITS (t1)",
    "CREATE TABLE {table} () INHERITS (t1)",
    "ALTER TABLE {table} INHERIT t1",
    "ALTER TABLE {table} NO INHERIT t1",
    "CREATE TABLE parted (a integer, b text, c text) PARTITION BY RANGE (a)",
    "CREATE TABLE parted (a integer NOT NULL, b text, c text) PARTITION BY LIST (b)",
    "CREATE TABLE part_a PARTITION OF parted FOR VALUES FROM (1) TO (10)",
    "CREATE TABLE part_a PARTITION OF parted DEFAULT",
    "CREATE TABLE part_a (a integer NOT NULL, b text, c text)",
    "ALTER TABLE parted ATTACH PARTITION part_a FOR VALUES IN ('x', 'y')",
    "ALTER TABLE parted ATTACH PARTITION part_a FOR VALUES FROM (1) TO (20)",
    "ALTER TABLE parted DETACH PARTITION part_a",
    "ALTER TABLE parted ADD PRIMARY KEY (a)",
    "CREATE INDEX ON parted (b)",
    "CREATE INDEX n1 ON ONLY parted (b)",
    "ALTER TABLE {table} ADD COLUMN {column} {type} {default}",
    "ALTER TABLE {table} ADD COLUMN {column} {type} {default}",
    "ALTER TABLE {table} ADD COLUMN {column} integer GENERATED ALWAYS AS (a * 2) STORED",
    "ALTER TABLE {table} ADD COLUMN {column} integer GENERATED ALWAYS AS (a * 3) VIRTUAL",
    "ALTER TABLE {table} ADD COLUMN {column} integer GENERATED BY DEFAULT AS IDENTITY (START 7)",
    "ALTER TABLE {table} ADD COLUMN {column} serial",
    "ALTER TABLE {table} DROP COLUMN {column}",
    "ALTER TABLE {table} RENAME COLUMN {column} TO {column}",
    "ALTER TABLE {table} RENAME TO t2",
    "ALTER TABLE {table} ALTER COLUMN {column} TYPE {type}",
    "ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {value}",
    "ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT",
    "ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL",
    "ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL",
    "ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 50",
    "ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS -1",
    "ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE {storage}",
    "ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION pglz",
    "ALTER TABLE {table} ALTER COLUMN {column} SET (n_distinct = 5)",
    "ALTER TABLE {table} ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE {table} ALTER COLUMN a DROP IDENTITY IF EXISTS",
    "ALTER TABLE {table} ALTER COLUMN a SET GENERATED BY DEFAULT",
    "ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}){valid}",
    "ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NO INHERIT",
    "ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NOT ENFORCED",
    "ALTER TABLE {table} ADD CONSTRAINT {name} NOT NULL {column}{valid}",
    "ALTER TABLE {table} ADD CONSTRAINT {name} NOT NULL {column} NO INHERIT",
    "ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({column}){defer}",
    "ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE NULLS NOT DISTINCT ({column})",
    "ALTER TABLE {table} ADD CONSTRAINT {name} PRIMARY KEY (a, {column}){defer}",
    "ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({column}) WITH (fillfactor = 60)",
    "ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES t1{action}{defer}{valid}",
    "ALTER TABLE {table} ADD FOREIGN KEY ({column}) REFERENCES t1{action}",
    "ALTER TABLE {table} ADD CONSTRAINT {name} EXCLUDE USING gist (int4range(a, 9) WITH &&){defer}",
    "ALTER TABLE {table} VALIDATE CONSTRAINT {name}",
    "ALTER TABLE {table} DROP CONSTRAINT {name}",
    "ALTER TABLE {table} RENAME CONSTRAINT {name} TO {name}",
    "ALTER TABLE {table} {enabled} ROW LEVEL SECURITY",
    "ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {table} REPLICA IDENTITY FULL",
    "ALTER TABLE {table} REPLICA IDENTITY USING INDEX {name}",
    "ALTER TABLE {table} CLUSTER ON {name}",
    "ALTER TABLE {table} SET ({reloption})",
    "ALTER TABLE {table} SET UNLOGGED",
    "ALTER TABLE {table} SET SCHEMA s1",
    "ALTER TABLE {table} OF ct1",
    "CREATE INDEX {name} ON {table}{method} ({key}){tail}",
    "CREATE INDEX ON {table} ({key}){tail}",
    "CREATE INDEX ON m1 (a)",
    "CREATE UNIQUE INDEX {name} ON {table} ({key}){tail}",
    "CREATE UNIQUE INDEX {name} ON {table} ({key}) NULLS NOT DISTINCT",
    "ALTER INDEX {name} RENAME TO {name}",
    "ALTER INDEX {name} ALTER COLUMN 1 SET STATISTICS 77",
    "CREATE SEQUENCE {seq} {seqoption} {seqoption}",
    "ALTER SEQUENCE {seq} {seqoption}",
    "CREATE UNLOGGED SEQUENCE {seq}",
    "CREATE OR REPLACE VIEW {view} AS {query}",
    "CREATE VIEW {view} WITH (security_barrier) AS {query}",
    "CREATE VIEW {view} AS {query} WITH CHECK OPTION",
    "CREATE RECURSIVE VIEW {view} (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM {view} WHERE n < 9",
    "ALTER VIEW {view} ALTER COLUMN a SET DEFAULT {value}",
    "CREATE MATERIALIZED VIEW {matview} AS {query} WITH NO DATA",
    "ALTER MATERIALIZED VIEW m1 ALTER COLUMN a SET STATISTICS 9",
    "CREATE RULE {name} AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "CREATE RULE {name} AS ON DELETE TO {table} DO ALSO SELECT 1",
    "ALTER TABLE {table} DISABLE RULE {name}",
    "CREATE TRIGGER {name} {event} ON {table} FOR EACH {each}{when} EXECUTE FUNCTION trg()",
    "CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON {table}{defer} FOR EACH ROW EXECUTE FUNCTION trg()",
    "ALTER TABLE {table} {enabled} TRIGGER {name}",
    "CREATE EVENT TRIGGER et1 ON ddl_command_end WHEN TAG IN ('CREATE CAST') EXECUTE FUNCTION evt()",
    "CREATE FUNCTION evt() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "ALTER EVENT TRIGGER et1 {enabled}",
    "CREATE OR REPLACE FUNCTION f1(i integer) RETURNS integer {language} AS '{body}'",
    "CREATE FUNCTION f1(i integer, j text DEFAULT '{label}') RETURNS TABLE (a integer) {language} AS '{body}'",
    "CREATE FUNCTION s1.f2(VARIADIC x integer[]) RETURNS SETOF integer LANGUAGE sql BEGIN ATOMIC SELECT 5; END",
    "CREATE PROCEDURE p1() LANGUAGE sql AS '{body}'",
    "CREATE AGGREGATE agg1(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '{value}')",
    "CREATE AGGREGATE agg1(integer) (SFUNC = int4pl, STYPE = integer, PARALLEL = SAFE, COMBINEFUNC = int4pl)",
    "ALTER TYPE e1 ADD VALUE '{label}'",
    "ALTER TYPE e1 ADD VALUE '{label}' BEFORE 'x'",
    "ALTER TYPE e1 RENAME VALUE '{label}' TO '{label}'",
    "CREATE DOMAIN s1.d1 AS {type} {default}",
    "CREATE DOMAIN s1.d1 AS text CHECK (VALUE <> '{label}')",
    "ALTER DOMAIN s1.d1 ADD CONSTRAINT {name} CHECK (VALUE IS NOT NULL){valid}",
    "ALTER DOMAIN s1.d1 SET NOT NULL",
    "ALTER DOMAIN s1.d1 ADD CONSTRAINT {name} NOT NULL",
    "ALTER DOMAIN s1.d1 SET DEFAULT {value}",
    "CREATE TYPE ct1 AS (x {type}, y text)",
    "CREATE TYPE ct1 AS (a integer, b text, c timestamptz)",
    "ALTER TYPE ct1 ADD ATTRIBUTE z {type}",
    "CREATE TYPE r1 AS RANGE (subtype = float8, subtype_diff = float8mi)",
    "CREATE TYPE r1 AS RANGE (subtype = text, collation = \"C\")",
    "CREATE TYPE r1 AS RANGE (subtype = text, subtype_opclass = text_pattern_ops)",
    "CREATE TYPE sh1",
    "CREATE POLICY {name} ON {table} FOR {command} TO {role} USING (a > 0)",
    "CREATE POLICY {name} ON {table} AS RESTRICTIVE USING (true) WITH CHECK (a < 9)",
    "ALTER POLICY {name} ON {table} TO {role}",
    "CREATE EXTENSION citext",
    "CREATE EXTENSION hstore SCHEMA s1",
    "CREATE STATISTICS st1 (ndistinct) ON a, b FROM t1",
    "CREATE STATISTICS st1 ON a, b FROM t1",
    "ALTER STATISTICS st1 SET STATISTICS 11",
    "CREATE PUBLICATION pub1 FOR TABLE {table}",
    "CREATE PUBLICATION pub1 FOR TABLE {table} (a, b) WHERE (a > 1)",
    "CREATE PUBLICATION pub1 FOR TABLES IN SCHEMA s1",
    "CREATE PUBLICATION pub1 FOR ALL TABLES WITH (publish = 'insert')",
    "ALTER PUBLICATION pub1 ADD TABLE {table}",
    "CREATE COLLATION co1 FROM \"C\"",
    "CREATE COLLATION co1 (provider = icu, locale = 'de', deterministic = false)",
    "CREATE OPERATOR s1.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq, HASHES)",
    "CREATE OPERATOR s1.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq, COMMUTATOR = OPERATOR(s1.===))",
    "CREATE FUNCTION e1int(e1) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE CAST (e1 AS integer) WITH FUNCTION e1int(e1)",
    "CREATE CAST (e1 AS integer) WITH INOUT AS ASSIGNMENT",
    "CREATE TEXT SEARCH DICTIONARY td1 (TEMPLATE = simple, STOPWORDS = english)",
    "CREATE TEXT SEARCH CONFIGURATION tc1 (COPY = simple)",
    "ALTER TEXT SEARCH CONFIGURATION tc1 ALTER MAPPING FOR word WITH english_stem, simple",
    "CREATE OPERATOR CLASS s1.oc1 FOR TYPE text USING hash AS OPERATOR 1 =, FUNCTION 1 hashtext(text)",
    "CREATE FOREIGN DATA WRAPPER fdw OPTIONS (x '1')",
    "CREATE SERVER srv TYPE 'y' FOREIGN DATA WRAPPER fdw OPTIONS (host '{label}')",
    "CREATE FOREIGN TABLE ft (a integer OPTIONS (k 'v'), b {type}) SERVER srv OPTIONS (z '{label}')",
    "CREATE USER MAPPING FOR catalog_app SERVER srv OPTIONS (password '{label}')",
    "CREATE TRANSFORM FOR e1 LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))",
    "COMMENT ON {object} IS {comment}",
    "COMMENT ON {object} IS {comment}",
    "ALTER {owned} OWNER TO {owner}",
    "GRANT {privilege} ON {relation} TO {role}{option}",
    "GRANT {right} ON {granted} TO {role}{option}",
    "GRANT SELECT (a), UPDATE (b) ON {relation} TO {role}",
    "REVOKE {right} ON {granted} FROM {role}",
    "REVOKE ALL ON {granted} FROM {owner}",
    "SET ROLE catalog_app; GRANT SELECT ON t1 TO catalog_reader; RESET ROLE",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner}{inschema} GRANT {right} ON {defaults} TO {role}{option}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE {right} ON {defaults} FROM {role}",
    "DROP {drop} CASCADE",
)  # fmt: skip

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@st.composite
def _filled(draw: st.DrawFn, templates: Sequence[str]) -> str:
    template = draw(st.sampled_from(templates))
    return _PLACEHOLDER.sub(lambda found: draw(st.sampled_from(_POOLS[found[1]])), template)


@st.composite
def _beginnings(draw: st.DrawFn) -> list[str]:
    return [draw(_filled([template])) for template in _START if draw(st.integers(0, 9))]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Two lists of statements, the second the first with a few statements more, fewer, changed or moved."""
    statement = _filled(_STATEMENTS)
    first = [*draw(_beginnings()), *draw(st.lists(statement, min_size=8, max_size=30))]
    second = list(first)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(second)))
        match draw(st.sampled_from(("add", "add", "drop", "replace", "move"))):
            case "add":
                second.append(draw(statement))
            case "drop":
                del second[place : place + 1]
            case "replace":
                second[place : place + 1] = [draw(statement)]
            case _:
                moved = second[place : place + 1]
                del second[place : place + 1]
                second.extend(moved)
    return first, second


@contextmanager
def database(cluster: Cluster, name: str, statements: Sequence[str]) -> Iterator[Endpoint]:
    """Make a database of what the server takes of *statements*, and drop it in the end."""
    databases.drop(cluster, name)
    databases.create(cluster, name, template="template0")
    try:
        endpoint = Endpoint(cluster.admin.host, cluster.admin.port, cluster.admin.user, name, cluster.admin.password)
        link = psycopg2.connect(**endpoint.kwargs())
        link.autocommit = True
        with link.cursor() as cursor:
            for statement in statements:
                with suppress(psycopg2.Error):
                    cursor.execute(statement)
        link.close()
        yield endpoint
    finally:
        databases.drop(cluster, name)


def dumped(cluster: Cluster, endpoint: Endpoint) -> Counter[str]:
    """Return the statements of `pg_dump -s`; the lines of CREATE TABLE are sorted, for the order of columns."""
    text = subprocess.run(
        [f"{cluster.offer.location}/pg_dump", "-s", "-h", endpoint.host, "-p", str(endpoint.port), "-U", endpoint.user,
         endpoint.dbname],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    # PostgreSQL's fixes of August 2025 frame a plain dump with a random key.
    kept = (line for line in text.splitlines() if line and not line.startswith(("--", "SET ", "\\")))
    statements = "\n".join(kept).split(";\n")
    return Counter(_ordered(statement.rstrip(";")) for statement in statements)


def _ordered(statement: str) -> str:
    if not re.match(r"CREATE (UNLOGGED |FOREIGN )?TABLE ", statement):
        return statement
    return "\n".join(sorted(line.strip().rstrip(",") for line in statement.splitlines()))
