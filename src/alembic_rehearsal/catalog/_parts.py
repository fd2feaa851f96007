"""SQL for what hangs on a table: constraints, indexes, rules, triggers, policies, statistics."""

from __future__ import annotations

# An index's own settings, whether it backs a constraint or not.
COMMON = """
idx AS MATERIALIZED (
  SELECT i.indexrelid AS oid, i.indrelid, i.indisunique, i.indisvalid,
         json_build_object('tablespace', s.spcname,
                           'clustered', CASE WHEN i.indisclustered THEN true END,
                           'replica identity', CASE WHEN i.indisreplident THEN true END,
                           'attached to', p.names[1],
                           'statistics', a.targets) AS settings
    FROM pg_index i
    JOIN rel r ON r.oid = i.indexrelid
    LEFT JOIN pg_tablespace s ON s.oid = r.reltablespace
    LEFT JOIN parents p ON p.oid = i.indexrelid
    LEFT JOIN (SELECT attrelid, array_agg(attnum || '=' || attstattarget ORDER BY attnum) AS targets
                 FROM pg_attribute WHERE attnum > 0 AND attstattarget >= 0 GROUP BY attrelid) a
           ON a.attrelid = i.indexrelid
),
con AS MATERIALIZED (
  SELECT c.oid, c.tableoid, c.conname, c.contype, c.conrelid, c.contypid, c.conindid, c.convalidated, c.conkey,
         c.conislocal, c.connoinherit, c.conparentid, r.relispartition, r.relname,
         CASE c.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique constraint' WHEN 'c' THEN 'check constraint'
                        WHEN 'f' THEN 'foreign key' WHEN 'x' THEN 'exclusion constraint'
                        ELSE 'not null constraint' END AS kind,
         r.kind || ' ' || r.name AS home, r.name || '.' || quote_ident(c.conname) AS name
    FROM pg_constraint c
    JOIN rel r ON r.oid = c.conrelid
   WHERE c.contype IN ('p', 'u', 'c', 'f', 'x', 'n')
)
"""

# " NOT VALID" comes last in what pg_get_constraintdef() writes. Inherited checks are facts of the parent.
CONSTRAINTS = """
SELECT c.kind, c.name, json_build_object(
         'on', c.home,
         'definition', CASE WHEN right(d.text, 10) = ' NOT VALID' THEN left(d.text, -10) ELSE d.text END,
         'validated', CASE WHEN c.contype IN ('c', 'f') THEN right(d.text, 10) <> ' NOT VALID' END),
       c.tableoid, c.oid, NULL, NULL, NULL
  FROM con c
  CROSS JOIN LATERAL (SELECT pg_get_constraintdef(c.oid) AS text) d
 WHERE c.contype = 'c' AND (c.conislocal OR c.relispartition) OR c.contype = 'f' AND c.conparentid = 0
"""

KEYS = """
SELECT c.kind, c.name, json_build_object(
         'on', c.home,
         'definition', pg_get_constraintdef(c.oid),
         'options', (SELECT array_agg(o ORDER BY o) FROM unnest(r.reloptions) o),
         'valid', CASE WHEN NOT i.indisvalid AND r.relkind = 'i' THEN false END,
         'tablespace', i.settings -> 'tablespace', 'clustered', i.settings -> 'clustered',
         'replica identity', i.settings -> 'replica identity', 'attached to', i.settings -> 'attached to',
         'statistics', i.settings -> 'statistics'),
       c.tableoid, c.oid, NULL, NULL, NULL
  FROM con c
  JOIN idx i ON i.oid = c.conindid
  JOIN rel r ON r.oid = c.conindid
 WHERE c.contype IN ('p', 'u', 'x')
"""

# Since 18 each NOT NULL is a constraint. Its column says that it is there; the constraint is a fact of its own where
# it differs from what SET NOT NULL makes: what pg_dump prints by name.
NOT_NULLS = """
SELECT c.kind, c.name, json_build_object(
         'on', c.home, 'column', a.attname, 'validated', c.convalidated,
         'inherit', CASE WHEN c.connoinherit THEN false END),
       c.tableoid, c.oid, NULL, NULL, NULL
  FROM con c
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
 WHERE c.contype = 'n' AND (c.conislocal OR c.relispartition)
   AND (c.conname <> c.relname || '_' || a.attname || '_not_null' OR c.connoinherit OR NOT c.convalidated)
"""

# "CREATE INDEX name ON ..." without the name is the definition that two indexes may share.
INDEXES = """
SELECT 'index', r.name, json_build_object(
         'on', t.kind || ' ' || t.name,
         'definition', 'CREATE ' || CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX'
           || substr(pg_get_indexdef(i.oid), CASE WHEN i.indisunique THEN 21 ELSE 14 END
                                             + length(quote_ident(r.relname))),
         'valid', CASE WHEN NOT i.indisvalid AND r.relkind = 'i' THEN false END,
         'tablespace', i.settings -> 'tablespace', 'clustered', i.settings -> 'clustered',
         'replica identity', i.settings -> 'replica identity', 'attached to', i.settings -> 'attached to',
         'statistics', i.settings -> 'statistics'),
       r.tableoid, r.oid, NULL, NULL, NULL
  FROM idx i
  JOIN rel r ON r.oid = i.oid
  JOIN rel t ON t.oid = i.indrelid
 WHERE NOT EXISTS (SELECT FROM con c WHERE c.conindid = i.oid AND c.contype IN ('p', 'u', 'x'))
"""

RULES = """
SELECT 'rule', r.name || '.' || quote_ident(w.rulename), json_build_object(
         'on', r.kind || ' ' || r.name,
         'definition', pg_get_ruledef(w.oid),
         'enabled', CASE w.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END),
       w.tableoid, w.oid, NULL, NULL, NULL
  FROM pg_rewrite w JOIN rel r ON r.oid = w.ev_class
 WHERE w.rulename <> '_RETURN' OR w.ev_enabled <> 'O'
"""

# A partition's copy of its parent's trigger is a fact only where it is enabled otherwise.
TRIGGERS = """
SELECT 'trigger', r.name || '.' || quote_ident(t.tgname), json_build_object(
         'on', r.kind || ' ' || r.name,
         'definition', CASE WHEN t.tgconstraint <> 0 THEN 'CREATE CONSTRAINT TRIGGER' ELSE 'CREATE TRIGGER' END
           || substr(pg_get_triggerdef(t.oid), CASE WHEN t.tgconstraint <> 0 THEN 27 ELSE 16 END
                                               + length(quote_ident(t.tgname))),
         'enabled', CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'
                                     ELSE 'always' END),
       t.tableoid, t.oid, NULL, NULL, NULL
  FROM pg_trigger t
  JOIN rel r ON r.oid = t.tgrelid
  LEFT JOIN pg_trigger u ON u.oid = t.tgparentid
 WHERE NOT t.tgisinternal AND t.tgparentid = 0 OR t.tgparentid <> 0 AND t.tgenabled <> u.tgenabled
"""

POLICIES = """
SELECT 'policy', r.name || '.' || quote_ident(p.polname), json_build_object(
         'on', r.kind || ' ' || r.name,
         'command', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
                                  WHEN 'd' THEN 'delete' ELSE 'all' END,
         'permissive', p.polpermissive,
         'roles', (SELECT array_agg(CASE o WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(o)) END ORDER BY 1)
                     FROM unnest(p.polroles) o),
         'using', pg_get_expr(p.polqual, p.polrelid),
         'with check', pg_get_expr(p.polwithcheck, p.polrelid)),
       p.tableoid, p.oid, NULL, NULL, NULL
  FROM pg_policy p JOIN rel r ON r.oid = p.polrelid
"""

STATISTICS = """
SELECT 'statistics', n.name || '.' || quote_ident(s.stxname), json_build_object(
         'on', r.kind || ' ' || r.name,
         'definition', pg_get_statisticsobjdef(s.oid),
         'target', CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END),
       s.tableoid, s.oid, s.stxowner, NULL, NULL
  FROM pg_statistic_ext s
  JOIN anyns n ON n.oid = s.stxnamespace
  JOIN rel r ON r.oid = s.stxrelid
"""

PIECES = (CONSTRAINTS, KEYS, NOT_NULLS, INDEXES, RULES, TRIGGERS, POLICIES, STATISTICS)
