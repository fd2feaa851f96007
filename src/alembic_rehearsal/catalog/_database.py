"""SQL for what the database has beside its schemas: extensions, publications, foreign servers, event triggers."""

from __future__ import annotations

EXTENSIONS = """
SELECT 'extension', quote_ident(e.extname), json_build_object('version', e.extversion, 'schema', n.nspname),
       e.tableoid, e.oid, NULL, NULL, NULL
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
"""

EVENT_TRIGGERS = """
SELECT 'event trigger', quote_ident(t.evtname), json_build_object(
         'event', t.evtevent, 'function', CAST(CAST(t.evtfoid AS regprocedure) AS text),
         'tags', (SELECT array_agg(g ORDER BY g) FROM unnest(t.evttags) g),
         'enabled', CASE t.evtenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'
                                      ELSE 'always' END),
       t.tableoid, t.oid, t.evtowner, NULL, NULL
  FROM pg_event_trigger t
 WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = t.tableoid AND e.objid = t.oid)
"""

# Schemas of a publication came with 15, in a catalog of their own; pg_depend knows them without naming it.
PUBLICATIONS = """
SELECT 'publication', quote_ident(p.pubname), json_build_object(
         'all tables', p.puballtables, 'insert', p.pubinsert, 'update', p.pubupdate, 'delete', p.pubdelete,
         'truncate', p.pubtruncate, 'via root', p.pubviaroot,
         'generated columns', CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN 'stored' END,
         'schemas', (SELECT array_agg(quote_ident(n.nspname) ORDER BY n.nspname)
                       FROM pg_depend d
                       JOIN pg_depend s ON s.classid = d.classid AND s.objid = d.objid
                                       AND s.refclassid = CAST('pg_catalog.pg_namespace' AS regclass)
                       JOIN pg_namespace n ON n.oid = s.refobjid
                      WHERE d.refclassid = p.tableoid AND d.refobjid = p.oid
                        AND d.classid = to_regclass('pg_catalog.pg_publication_namespace'))),
       p.tableoid, p.oid, p.pubowner, NULL, NULL
  FROM pg_publication p
 WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = p.tableoid AND e.objid = p.oid)
"""

PUBLISHED = """
SELECT 'published table', quote_ident(p.pubname) || ' ' || r.name, json_build_object(
         'on', 'publication ' || quote_ident(p.pubname),
         'where', pg_get_expr(b.condition, b.prrelid),
         'columns', (SELECT array_agg(quote_ident(a.attname) ORDER BY a.attname) FROM pg_attribute a
                      WHERE a.attrelid = b.prrelid AND a.attnum = ANY (b.columns))),
       NULL, NULL, NULL, NULL, NULL
  FROM (SELECT c.* FROM (SELECT CAST(NULL AS pg_node_tree) AS prqual, CAST(NULL AS int2vector) AS prattrs) older,
               LATERAL (SELECT prpubid, prrelid, prqual AS condition, CAST(prattrs AS int2[]) AS columns
                          FROM pg_publication_rel) c) b
  JOIN pg_publication p ON p.oid = b.prpubid
  JOIN rel r ON r.oid = b.prrelid
"""

WRAPPERS = """
SELECT 'foreign-data wrapper', quote_ident(w.fdwname), json_build_object(
         'handler', CASE WHEN w.fdwhandler <> 0 THEN CAST(CAST(w.fdwhandler AS regprocedure) AS text) END,
         'validator', CASE WHEN w.fdwvalidator <> 0 THEN CAST(CAST(w.fdwvalidator AS regprocedure) AS text) END,
         'options', (SELECT array_agg(o ORDER BY o) FROM unnest(w.fdwoptions) o)),
       w.tableoid, w.oid, w.fdwowner, w.fdwacl, 'F'
  FROM pg_foreign_data_wrapper w
 WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = w.tableoid AND e.objid = w.oid)
"""

SERVERS = """
SELECT 'server', quote_ident(s.srvname), json_build_object(
         'wrapper', w.fdwname, 'type', s.srvtype, 'version', s.srvversion,
         'options', (SELECT array_agg(o ORDER BY o) FROM unnest(s.srvoptions) o)),
       s.tableoid, s.oid, s.srvowner, s.srvacl, 'S'
  FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
 WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = s.tableoid AND e.objid = s.oid)
"""

# The options hold passwords: two are compared by their hash. pg_user_mappings shows them to those who may see them.
MAPPINGS = """
SELECT 'user mapping', quote_ident(u.usename) || ' on ' || quote_ident(u.srvname), json_build_object(
         'on', 'server ' || quote_ident(u.srvname),
         'options', encode(sha256(convert_to(array_to_string(u.umoptions, chr(10)), 'UTF8')), 'hex')),
       NULL, NULL, NULL, NULL, NULL
  FROM pg_user_mappings u
"""

SUBSCRIPTIONS = """
SELECT 'subscription', quote_ident(s.subname), json_build_object(
         'publications', s.subpublications, 'slot', s.subslotname, 'synchronous commit', s.subsynccommit),
       CAST('pg_catalog.pg_subscription' AS regclass), s.oid, s.subowner, NULL, NULL
  FROM (SELECT oid, subname, subdbid, subpublications, subslotname, subsynccommit, subowner FROM pg_subscription) s
  JOIN pg_database d ON d.oid = s.subdbid AND d.datname = current_database()
"""

SEARCH_DICTIONARIES = """
SELECT 'text search dictionary', n.name || '.' || quote_ident(d.dictname), json_build_object(
         'template', quote_ident(m.nspname) || '.' || quote_ident(t.tmplname), 'options', d.dictinitoption),
       d.tableoid, d.oid, d.dictowner, NULL, NULL
  FROM pg_ts_dict d
  JOIN anyns n ON n.oid = d.dictnamespace
  JOIN pg_ts_template t ON t.oid = d.dicttemplate
  JOIN pg_namespace m ON m.oid = t.tmplnamespace
 WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = d.tableoid AND e.objid = d.oid)
"""

SEARCH_CONFIGURATIONS = """
SELECT 'text search configuration', n.name || '.' || quote_ident(c.cfgname), json_build_object(
         'parser', quote_ident(m.nspname) || '.' || quote_ident(p.prsname),
         'mappings', (SELECT array_agg(x.line ORDER BY x.line)
                        FROM (SELECT (SELECT y.alias FROM ts_token_type(c.cfgparser) y WHERE y.tokid = g.maptokentype)
                                     || ' ' || string_agg(CAST(CAST(g.mapdict AS regdictionary) AS text), ', '
                                                          ORDER BY g.mapseqno) AS line
                                FROM pg_ts_config_map g WHERE g.mapcfg = c.oid GROUP BY g.maptokentype) x)),
       c.tableoid, c.oid, c.cfgowner, NULL, NULL
  FROM pg_ts_config c
  JOIN anyns n ON n.oid = c.cfgnamespace
  JOIN pg_ts_parser p ON p.oid = c.cfgparser
  JOIN pg_namespace m ON m.oid = p.prsnamespace
 WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = c.tableoid AND e.objid = c.oid)
"""

PIECES = (
    EXTENSIONS,
    EVENT_TRIGGERS,
    PUBLICATIONS,
    PUBLISHED,
    WRAPPERS,
    SERVERS,
    MAPPINGS,
    SUBSCRIPTIONS,
    SEARCH_DICTIONARIES,
    SEARCH_CONFIGURATIONS,
)
