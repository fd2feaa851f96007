"""SQL for what stands in schemas and holds rows: schemas, tables, columns, sequences, views.

Every piece returns `(kind, identity, definition json, class oid, object oid, owner, acl, acl type)`. What a piece
leaves NULL in its JSON object is the default and no part of the fact. Which columns the catalogs have in which release:
https://www.postgresql.org/docs/current/catalogs.html and the same page of the older ones.
"""

from __future__ import annotations

# The common tables that the pieces read. `part` are facts of the extension itself and left out everywhere.
COMMON = """
ext AS MATERIALIZED (
  SELECT classid, objid FROM pg_depend
   WHERE deptype = 'e' AND refclassid = CAST('pg_catalog.pg_extension' AS regclass)
),
ns AS MATERIALIZED (
  SELECT n.oid, n.tableoid, quote_ident(n.nspname) AS name, n.nspowner, n.nspacl FROM pg_namespace n
   WHERE n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'
     AND NOT EXISTS (SELECT FROM ext e WHERE e.classid = n.tableoid AND e.objid = n.oid)
),
anyns AS MATERIALIZED (
  SELECT n.oid, quote_ident(n.nspname) AS name FROM pg_namespace n
   WHERE n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'
),
rel AS MATERIALIZED (
  SELECT c.oid, c.tableoid, c.relname, c.relkind, c.relowner, c.relacl, c.relpersistence, c.relispartition,
         c.relpartbound, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloptions, c.reltoastrelid,
         c.relam, c.reltablespace, c.reloftype, n.name || '.' || quote_ident(c.relname) AS name,
         CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
                        WHEN 'f' THEN 'foreign table' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index'
                        WHEN 'c' THEN 'composite type' ELSE 'table' END AS kind
    FROM pg_class c JOIN anyns n ON n.oid = c.relnamespace
   WHERE c.relkind <> 't' AND NOT EXISTS (SELECT FROM ext e WHERE e.classid = c.tableoid AND e.objid = c.oid)
),
parents AS MATERIALIZED (
  SELECT i.inhrelid AS oid, array_agg(r.name ORDER BY i.inhseqno) AS names
    FROM pg_inherits i JOIN rel r ON r.oid = i.inhparent GROUP BY i.inhrelid
)
"""

SCHEMAS = """
SELECT 'schema' AS kind, name AS identity, json_build_object() AS definition, tableoid AS class, oid AS object,
       nspowner AS owner, nspacl AS acl, 'n' AS acltype
  FROM ns
"""

TABLES = """
SELECT r.kind, r.name, json_build_object(
         'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
         'partitioned by', CASE WHEN r.relkind = 'p' THEN pg_get_partkeydef(r.oid) END,
         'partition of', CASE WHEN r.relispartition THEN p.names[1] END,
         'bound', CASE WHEN r.relispartition THEN pg_get_expr(r.relpartbound, r.oid) END,
         'inherits', CASE WHEN NOT r.relispartition THEN p.names END,
         'of type', CASE WHEN r.reloftype <> 0 THEN format_type(r.reloftype, NULL) END,
         'row security', CASE WHEN r.relrowsecurity THEN 'enabled' END,
         'forced row security', CASE WHEN r.relforcerowsecurity THEN 'enabled' END,
         'replica identity', CASE r.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' END,
         'options', (SELECT array_agg(o ORDER BY o) FROM unnest(r.reloptions) o),
         'toast options', (SELECT array_agg(o ORDER BY o) FROM pg_class t, unnest(t.reloptions) o
                            WHERE t.oid = r.reltoastrelid AND r.reltoastrelid <> 0),
         'access method', CASE WHEN m.amname <> 'heap' THEN m.amname END,
         'tablespace', s.spcname,
         'server', f.srvname,
         'server options', (SELECT array_agg(o ORDER BY o) FROM unnest(f.ftoptions) o)),
       r.tableoid, r.oid, r.relowner, r.relacl, 'r'
  FROM rel r
  LEFT JOIN parents p ON p.oid = r.oid
  LEFT JOIN pg_am m ON m.oid = r.relam
  LEFT JOIN pg_tablespace s ON s.oid = r.reltablespace
  LEFT JOIN (SELECT ftrelid, ftoptions, srvname FROM pg_foreign_table JOIN pg_foreign_server v ON v.oid = ftserver) f
         ON f.ftrelid = r.oid
 WHERE r.relkind IN ('r', 'p', 'f')
"""

# Nearly every column has nothing but type, nullability and default, and is done with in half the time.
# pg_attver is a number of the server's own, which pg_dump leaves out; seen in 17.12 on every column.
# The release's own column is found first; before 14 there is none, and the name is that of the outer row.
COLUMNS = """
SELECT 'column', r.name || '.' || quote_ident(a.attname), CASE
         WHEN r.relkind IN ('r', 'p') AND a.attgenerated = '' AND a.attidentity = '' AND a.attislocal
          AND a.attcollation = t.typcollation AND a.attstorage = t.typstorage AND a.compression = ''
          AND coalesce(a.attstattarget, -1) = -1 AND a.attoptions IS NULL
         THEN json_build_object(
                'on', r.kind || ' ' || r.name, 'position', a.attnum, 'type', format_type(a.atttypid, a.atttypmod),
                'nullable', NOT a.attnotnull, 'default', pg_get_expr(d.adbin, d.adrelid))
         ELSE json_build_object(
         'on', r.kind || ' ' || r.name,
         'position', CASE WHEN r.relkind IN ('r', 'p', 'f') THEN a.attnum END,
         'type', CASE WHEN r.relkind IN ('r', 'p', 'f') THEN format_type(a.atttypid, a.atttypmod) END,
         'nullable', CASE WHEN r.relkind IN ('r', 'p', 'f') THEN NOT a.attnotnull END,
         'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
         'generated', CASE a.attgenerated WHEN 's' THEN 'stored ' || pg_get_expr(d.adbin, d.adrelid)
                                          WHEN 'v' THEN 'virtual ' || pg_get_expr(d.adbin, d.adrelid) END,
         'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
         'collation', CASE WHEN a.attcollation <> t.typcollation AND r.relkind IN ('r', 'p', 'f')
                           THEN CAST(CAST(a.attcollation AS regcollation) AS text) END,
         'storage', CASE WHEN a.attstorage <> t.typstorage AND r.relkind <> 'v' THEN
                         CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main'
                                           ELSE 'extended' END END,
         'compression', CASE a.compression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
         'statistics', CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END,
         'options', a.attoptions,
         'server options', (SELECT array_agg(o ORDER BY o) FROM unnest(a.attfdwoptions) o),
         'inherited', CASE WHEN NOT a.attislocal AND NOT r.relispartition THEN true END) END,
       NULL, NULL, NULL, NULL, NULL
  FROM rel r
  JOIN (SELECT b.* FROM (SELECT '' AS attcompression) older,
               LATERAL (SELECT attrelid, attname, attnum, atttypid, atttypmod, attnotnull, attgenerated, attidentity,
                               attcollation, attstorage, attstattarget, attfdwoptions, attislocal,
                               atthasdef, CAST(attcompression AS text) AS compression,
                               CASE WHEN attoptions IS NOT NULL THEN
                                 (SELECT array_agg(o ORDER BY o) FROM unnest(attoptions) o
                                   WHERE split_part(o, '=', 1) <> 'pg_attver') END AS attoptions
                          FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped) b) a ON a.attrelid = r.oid
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE r.relkind IN ('r', 'p', 'f')
    OR r.relkind = 'v' AND d.oid IS NOT NULL
    OR r.relkind = 'm' AND (a.attstattarget >= 0 OR a.attoptions IS NOT NULL OR a.attstorage <> t.typstorage
                            OR a.compression <> '')
"""

SEQUENCES = """
SELECT 'sequence', r.name, json_build_object(
         'type', format_type(s.seqtypid, NULL), 'start', s.seqstart, 'increment', s.seqincrement, 'minimum', s.seqmin,
         'maximum', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
         'persistence', CASE WHEN r.relpersistence = 'u' AND o.persistence = 'p' THEN 'unlogged'
                             WHEN r.relpersistence = 'p' AND o.persistence = 'u' THEN 'logged'
                             WHEN r.relpersistence = 'u' AND o.persistence IS NULL THEN 'unlogged' END,
         'owned by', CASE o.deptype WHEN 'a' THEN o.column_name END,
         'identity of', CASE o.deptype WHEN 'i' THEN o.column_name END,
         'on', 'column ' || o.column_name),
       r.tableoid, r.oid, r.relowner, r.relacl, 's'
  FROM rel r
  JOIN pg_sequence s ON s.seqrelid = r.oid
  LEFT JOIN (SELECT d.objid, d.deptype, t.relpersistence AS persistence,
                    t.name || '.' || quote_ident(a.attname) AS column_name
               FROM pg_depend d
               JOIN pg_sequence q ON q.seqrelid = d.objid
               JOIN rel t ON t.oid = d.refobjid
               JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
              WHERE d.classid = CAST('pg_catalog.pg_class' AS regclass) AND d.refclassid = d.classid
                AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')) o ON o.objid = r.oid
"""

VIEWS = """
SELECT r.kind, r.name, json_build_object(
         'definition', pg_get_viewdef(r.oid),
         'options', (SELECT array_agg(o ORDER BY o) FROM unnest(r.reloptions) o),
         'toast options', (SELECT array_agg(o ORDER BY o) FROM pg_class t, unnest(t.reloptions) o
                            WHERE t.oid = r.reltoastrelid AND r.reltoastrelid <> 0),
         'access method', CASE WHEN m.amname <> 'heap' THEN m.amname END,
         'tablespace', s.spcname),
       r.tableoid, r.oid, r.relowner, r.relacl, 'r'
  FROM rel r
  LEFT JOIN pg_am m ON m.oid = r.relam
  LEFT JOIN pg_tablespace s ON s.oid = r.reltablespace
 WHERE r.relkind IN ('v', 'm')
"""

PIECES = (SCHEMAS, TABLES, COLUMNS, SEQUENCES, VIEWS)
