"""SQL for what computes: functions, procedures, aggregates, operators, casts, languages."""

from __future__ import annotations

COMMON = """
proc AS MATERIALIZED (
  SELECT p.oid, p.tableoid, p.proowner, p.proacl, p.prokind,
         n.name || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name,
         CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind
    FROM pg_proc p
    JOIN anyns n ON n.oid = p.pronamespace
   WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = p.tableoid AND e.objid = p.oid)
)
"""

# A multirange's constructors come and go with their type.
FUNCTIONS = """
SELECT p.kind, p.name, json_build_object('definition', pg_get_functiondef(p.oid)),
       p.tableoid, p.oid, p.proowner, p.proacl, 'f'
  FROM proc p
 WHERE p.prokind <> 'a'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = p.tableoid AND d.objid = p.oid AND d.deptype = 'i'
                                             AND d.refclassid = CAST('pg_catalog.pg_type' AS regclass))
"""

AGGREGATES = """
SELECT p.kind, p.name, json_build_object(
         'returns', pg_get_function_result(p.oid), 'arguments', pg_get_function_arguments(p.oid),
         'kind', CASE a.aggkind WHEN 'o' THEN 'ordered-set' WHEN 'h' THEN 'hypothetical-set' END,
         'transition', CAST(a.aggtransfn AS text), 'state type', format_type(a.aggtranstype, NULL),
         'state size', NULLIF(a.aggtransspace, 0), 'initial', a.agginitval,
         'final', NULLIF(CAST(a.aggfinalfn AS text), '-'), 'final extra', NULLIF(a.aggfinalextra, false),
         'final modify', a.aggfinalmodify, 'combine', NULLIF(CAST(a.aggcombinefn AS text), '-'),
         'serialize', NULLIF(CAST(a.aggserialfn AS text), '-'),
         'deserialize', NULLIF(CAST(a.aggdeserialfn AS text), '-'),
         'moving transition', NULLIF(CAST(a.aggmtransfn AS text), '-'),
         'moving inverse', NULLIF(CAST(a.aggminvtransfn AS text), '-'),
         'moving final', NULLIF(CAST(a.aggmfinalfn AS text), '-'),
         'moving state type', CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END,
         'moving initial', a.aggminitval,
         'sort operator', CASE WHEN a.aggsortop <> 0 THEN CAST(CAST(a.aggsortop AS regoperator) AS text) END,
         'parallel', q.proparallel),
       p.tableoid, p.oid, p.proowner, p.proacl, 'f'
  FROM proc p
  JOIN pg_aggregate a ON a.aggfnoid = p.oid
  JOIN pg_proc q ON q.oid = p.oid
"""

OPERATORS = """
SELECT 'operator', n.name || '.' || o.oprname || '(' ||
         CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END || ', ' ||
         CASE WHEN o.oprright = 0 THEN 'NONE' ELSE format_type(o.oprright, NULL) END || ')', json_build_object(
         'function', CAST(CAST(o.oprcode AS regprocedure) AS text),
         'commutator', CASE WHEN o.oprcom <> 0 THEN CAST(CAST(o.oprcom AS regoperator) AS text) END,
         'negator', CASE WHEN o.oprnegate <> 0 THEN CAST(CAST(o.oprnegate AS regoperator) AS text) END,
         'restrict', NULLIF(CAST(o.oprrest AS text), '-'), 'join', NULLIF(CAST(o.oprjoin AS text), '-'),
         'merges', NULLIF(o.oprcanmerge, false), 'hashes', NULLIF(o.oprcanhash, false)),
       o.tableoid, o.oid, o.oprowner, NULL, NULL
  FROM pg_operator o
  JOIN anyns n ON n.oid = o.oprnamespace
 WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = o.tableoid AND e.objid = o.oid)
"""

CLASSES = """
SELECT 'operator class', n.name || '.' || quote_ident(c.opcname) || ' using ' || m.amname, json_build_object(
         'type', format_type(c.opcintype, NULL), 'default', NULLIF(c.opcdefault, false),
         'storage', CASE WHEN c.opckeytype <> 0 THEN format_type(c.opckeytype, NULL) END,
         'operators', (SELECT array_agg(o.amopstrategy || ' ' || CAST(CAST(o.amopopr AS regoperator) AS text)
                                        ORDER BY o.amopstrategy, 1)
                         FROM pg_amop o
                        WHERE o.amopfamily = c.opcfamily),
         'functions', (SELECT array_agg(f.amprocnum || ' ' || CAST(CAST(f.amproc AS regprocedure) AS text)
                                        ORDER BY f.amprocnum, 1)
                         FROM pg_amproc f WHERE f.amprocfamily = c.opcfamily)),
       c.tableoid, c.oid, c.opcowner, NULL, NULL
  FROM pg_opclass c
  JOIN anyns n ON n.oid = c.opcnamespace
  JOIN pg_am m ON m.oid = c.opcmethod
 WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = c.tableoid AND e.objid = c.oid)
"""

FAMILIES = """
SELECT 'operator family', n.name || '.' || quote_ident(f.opfname) || ' using ' || m.amname, json_build_object(),
       f.tableoid, f.oid, f.opfowner, NULL, NULL
  FROM pg_opfamily f
  JOIN anyns n ON n.oid = f.opfnamespace
  JOIN pg_am m ON m.oid = f.opfmethod
 WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = f.tableoid AND e.objid = f.oid)
"""

# Nothing but its number tells a cast or a language that a user made from the server's own.
CASTS = """
SELECT 'cast', format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL), json_build_object(
         'function', CASE WHEN c.castfunc <> 0 THEN CAST(CAST(c.castfunc AS regprocedure) AS text) END,
         'method', CASE c.castmethod WHEN 'b' THEN 'binary' WHEN 'i' THEN 'inout' ELSE 'function' END,
         'context', CASE c.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' ELSE 'explicit' END),
       c.tableoid, c.oid, NULL, NULL, NULL
  FROM pg_cast c
 WHERE c.oid >= 16384
   AND NOT EXISTS (SELECT FROM ext e WHERE e.classid = c.tableoid AND e.objid = c.oid)
   AND NOT EXISTS (SELECT FROM pg_range r WHERE r.rngtypid = c.castsource
                                            AND to_jsonb(r) ->> 'rngmultitypid' = CAST(c.casttarget AS text))
"""

TRANSFORMS = """
SELECT 'transform', format_type(t.trftype, NULL) || ' for ' || quote_ident(l.lanname), json_build_object(
         'from sql', CASE WHEN t.trffromsql <> 0 THEN CAST(CAST(t.trffromsql AS regprocedure) AS text) END,
         'to sql', CASE WHEN t.trftosql <> 0 THEN CAST(CAST(t.trftosql AS regprocedure) AS text) END),
       t.tableoid, t.oid, NULL, NULL, NULL
  FROM pg_transform t
  JOIN pg_language l ON l.oid = t.trflang
 WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = t.tableoid AND e.objid = t.oid)
"""

LANGUAGES = """
SELECT 'language', quote_ident(l.lanname), json_build_object(
         'trusted', l.lanpltrusted, 'handler', CAST(CAST(l.lanplcallfoid AS regprocedure) AS text),
         'inline', CASE WHEN l.laninline <> 0 THEN CAST(CAST(l.laninline AS regprocedure) AS text) END,
         'validator', CASE WHEN l.lanvalidator <> 0 THEN CAST(CAST(l.lanvalidator AS regprocedure) AS text) END),
       l.tableoid, l.oid, l.lanowner, l.lanacl, 'l'
  FROM pg_language l
 WHERE l.lanispl AND NOT EXISTS (SELECT FROM ext e WHERE e.classid = l.tableoid AND e.objid = l.oid)
"""

PIECES = (FUNCTIONS, AGGREGATES, OPERATORS, CLASSES, FAMILIES, CASTS, TRANSFORMS, LANGUAGES)
