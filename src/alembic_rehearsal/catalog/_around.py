"""SQL for what is said about objects: owners, grants, default privileges, comments, security labels.

It reads `fact`, the common table of all the other pieces.
"""

from __future__ import annotations

OWNERS = """
SELECT 'owner', f.kind || ' ' || f.identity,
       json_build_object('on', f.kind || ' ' || f.identity, 'owner', pg_get_userbyid(f.owner))
  FROM fact f WHERE f.owner IS NOT NULL
"""

# As pg_dump does it: what is granted beyond the default of such an object, and what of the default was revoked.
_GRANTS = """
SELECT 'grant', g.target || ' to ' || CASE g.grantee WHEN 0 THEN 'PUBLIC'
                                           ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
       json_build_object('on', g.target,
         'granted', array_agg(g.privilege ORDER BY g.privilege) FILTER (WHERE g.granted),
         'revoked', array_agg(g.privilege ORDER BY g.privilege) FILTER (WHERE NOT g.granted))
  FROM (SELECT t.target, x.grantee, x.granted,
               x.privilege_type || CASE WHEN x.is_grantable THEN ' with grant option' ELSE '' END
               || CASE WHEN x.grantor <> t.owner THEN ' by ' || quote_ident(pg_get_userbyid(x.grantor)) ELSE '' END
               AS privilege
          FROM ({targets}) t
         CROSS JOIN LATERAL (
           (SELECT b.*, true AS granted FROM (SELECT * FROM aclexplode(t.acl)
                                              EXCEPT SELECT * FROM aclexplode(acldefault(t.acltype, t.owner))) b)
           UNION ALL
           (SELECT b.*, false FROM (SELECT * FROM aclexplode(acldefault(t.acltype, t.owner))
                                    EXCEPT SELECT * FROM aclexplode(t.acl)) b)) x) g
 GROUP BY g.target, g.grantee
"""

_OBJECTS = """SELECT f.kind || ' ' || f.identity AS target, f.acl, CAST(f.acltype AS "char") AS acltype, f.owner
                  FROM fact f WHERE f.acl IS NOT NULL"""
_COLUMNS = """SELECT 'column ' || r.name || '.' || quote_ident(a.attname) AS target, a.attacl AS acl,
                       CAST('c' AS "char") AS acltype, r.relowner AS owner
                  FROM pg_attribute a JOIN rel r ON r.oid = a.attrelid
                 WHERE a.attacl IS NOT NULL AND NOT a.attisdropped"""

GRANTS = _GRANTS.replace("{targets}", _OBJECTS)
COLUMN_GRANTS = _GRANTS.replace("{targets}", _COLUMNS)

DEFAULT_PRIVILEGES = """
SELECT 'default privileges', 'of ' || quote_ident(pg_get_userbyid(d.defaclrole))
         || coalesce(' in ' || quote_ident(n.nspname), '') || ' on '
         || CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                                 WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END,
       json_build_object('privileges', (
         SELECT array_agg(CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END
                          || ' ' || x.privilege_type || CASE WHEN x.is_grantable THEN ' with grant option' ELSE '' END
                          ORDER BY 1)
           FROM aclexplode(d.defaclacl) x))
  FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
"""

COMMENTS = """
SELECT 'comment', f.kind || ' ' || f.identity,
       json_build_object('on', f.kind || ' ' || f.identity, 'text', d.description)
  FROM pg_description d JOIN fact f ON f.class = d.classoid AND f.object = d.objoid
 WHERE d.objsubid = 0
"""

COLUMN_COMMENTS = """
SELECT 'comment', 'column ' || r.name || '.' || quote_ident(a.attname), json_build_object(
         'on', CASE WHEN r.relkind IN ('r', 'p', 'f') THEN 'column ' || r.name || '.' || quote_ident(a.attname)
                    ELSE r.kind || ' ' || r.name END,
         'text', d.description)
  FROM pg_description d
  JOIN rel r ON r.oid = d.objoid
  JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
 WHERE d.classoid = CAST('pg_catalog.pg_class' AS regclass) AND d.objsubid > 0
"""

# COMMENT ON INDEX also takes the index of a key, which is no fact of its own.
KEY_COMMENTS = """
SELECT 'comment', 'index ' || r.name, json_build_object('on', c.kind || ' ' || c.name, 'text', d.description)
  FROM pg_description d
  JOIN con c ON c.conindid = d.objoid AND c.contype IN ('p', 'u', 'x')
  JOIN rel r ON r.oid = d.objoid
 WHERE d.classoid = CAST('pg_catalog.pg_class' AS regclass) AND d.objsubid = 0
"""

LABELS = """
SELECT 'security label', s.provider || ' on ' || s.objtype || ' ' || s.objname, json_build_object('label', s.label)
  FROM pg_seclabels s
 WHERE s.classoid NOT IN (CAST('pg_catalog.pg_database' AS regclass), CAST('pg_catalog.pg_authid' AS regclass),
                          CAST('pg_catalog.pg_tablespace' AS regclass))
"""

PIECES = (OWNERS, GRANTS, COLUMN_GRANTS, DEFAULT_PRIVILEGES, COMMENTS, COLUMN_COMMENTS, KEY_COMMENTS, LABELS)
