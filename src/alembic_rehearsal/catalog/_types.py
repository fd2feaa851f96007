"""SQL for types and collations."""

from __future__ import annotations

# Array types and the row types of tables belong to what they were made for.
COMMON = """
typ AS MATERIALIZED (
  SELECT t.oid, t.tableoid, t.typname, t.typtype, t.typowner, t.typacl, t.typrelid, t.typnotnull, t.typdefault,
         t.typdefaultbin, t.typbasetype, t.typtypmod, t.typcollation, n.name || '.' || quote_ident(t.typname) AS name,
         CASE t.typtype WHEN 'e' THEN 'enum type' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite type'
                        WHEN 'r' THEN 'range type' WHEN 'p' THEN 'shell type' ELSE 'base type' END AS kind
    FROM pg_type t
    JOIN anyns n ON n.oid = t.typnamespace
    LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
    LEFT JOIN pg_class c ON c.oid = t.typrelid
   WHERE e.oid IS NULL AND (t.typrelid = 0 OR c.relkind = 'c') AND t.typtype <> 'm'
     AND NOT EXISTS (SELECT FROM ext x WHERE x.classid = t.tableoid AND x.objid = t.oid)
)
"""

TYPES = """
SELECT t.kind, t.name, json_build_object(
         'labels', e.labels,
         'attributes', a.attributes,
         'type', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
         'nullable', CASE WHEN t.typtype = 'd' THEN NOT t.typnotnull END,
         'default', CASE WHEN t.typtype = 'd' THEN coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) END,
         'collation', CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation
                           THEN CAST(CAST(t.typcollation AS regcollation) AS text) END,
         'subtype', r.subtype, 'subtype operator class', r.opclass, 'subtype collation', r.collation,
         'canonical', r.canonical, 'subtype difference', r.difference, 'multirange', r.multirange),
       t.tableoid, t.oid, t.typowner, t.typacl, 'T'
  FROM typ t
  LEFT JOIN pg_type b ON b.oid = t.typbasetype
  LEFT JOIN (SELECT enumtypid, array_agg(enumlabel ORDER BY enumsortorder) AS labels
               FROM pg_enum GROUP BY enumtypid) e ON e.enumtypid = t.oid
  LEFT JOIN (SELECT a.attrelid, array_agg(
                      quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
                      || CASE WHEN a.attcollation <> y.typcollation
                              THEN ' COLLATE ' || CAST(CAST(a.attcollation AS regcollation) AS text) ELSE '' END
                      ORDER BY a.attnum) AS attributes
               FROM pg_attribute a
               JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'c'
               JOIN pg_type y ON y.oid = a.atttypid
              WHERE a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid) a ON a.attrelid = t.typrelid
  LEFT JOIN (SELECT g.rngtypid, format_type(g.rngsubtype, NULL) AS subtype,
                    CASE WHEN NOT o.opcdefault THEN q.name || '.' || quote_ident(o.opcname) END AS opclass,
                    CASE WHEN g.rngcollation <> s.typcollation
                         THEN CAST(CAST(g.rngcollation AS regcollation) AS text) END AS collation,
                    CASE WHEN g.rngcanonical <> 0 THEN CAST(g.rngcanonical AS text) END AS canonical,
                    CASE WHEN g.rngsubdiff <> 0 THEN CAST(g.rngsubdiff AS text) END AS difference,
                    format_type(CAST(to_jsonb(g) ->> 'rngmultitypid' AS oid), NULL) AS multirange
               FROM pg_range g
               JOIN pg_type s ON s.oid = g.rngsubtype
               JOIN pg_opclass o ON o.oid = g.rngsubopc
               JOIN (SELECT oid, quote_ident(nspname) AS name FROM pg_namespace) q ON q.oid = o.opcnamespace
              WHERE g.rngtypid >= 16384) r ON r.rngtypid = t.oid
"""

# pg_dump prints the name of a domain's NOT NULL since 18; 17 has the constraint and loses the name.
DOMAIN_CONSTRAINTS = """
SELECT CASE c.contype WHEN 'c' THEN 'check constraint' ELSE 'not null constraint' END,
       t.name || '.' || quote_ident(c.conname), json_build_object(
         'on', t.kind || ' ' || t.name,
         'definition', CASE WHEN right(d.text, 10) = ' NOT VALID' THEN left(d.text, -10) ELSE d.text END,
         'validated', right(d.text, 10) <> ' NOT VALID'),
       c.tableoid, c.oid, NULL, NULL, NULL
  FROM pg_constraint c
  JOIN typ t ON t.oid = c.contypid
  CROSS JOIN LATERAL (SELECT pg_get_constraintdef(c.oid) AS text) d
 WHERE c.contype = 'c'
    OR c.contype = 'n' AND c.conname <> t.typname || '_not_null'
       AND CAST(current_setting('server_version_num') AS integer) >= 180000
"""

# The columns of pg_collation differ from release to release; its row as JSON has those that there are.
COLLATIONS = """
SELECT 'collation', n.name || '.' || quote_ident(c.collname), json_build_object(
         'provider', j.row ->> 'collprovider', 'deterministic', c.collisdeterministic,
         'lc_collate', j.row ->> 'collcollate', 'lc_ctype', j.row ->> 'collctype',
         'locale', coalesce(j.row ->> 'colllocale', j.row ->> 'colliculocale'),
         'rules', j.row ->> 'collicurules'),
       c.tableoid, c.oid, c.collowner, NULL, NULL
  FROM pg_collation c
  JOIN anyns n ON n.oid = c.collnamespace
  CROSS JOIN LATERAL (SELECT to_jsonb(c) AS row) j
 WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = c.tableoid AND e.objid = c.oid)
"""

PIECES = (TYPES, DOMAIN_CONSTRAINTS, COLLATIONS)
