"""What hosting platforms let an ordinary role do although PostgreSQL itself would not."""

from __future__ import annotations

# Extensions that an ordinary role may create, https://render.com/docs/postgresql-extensions
_RENDER = """
adminpack amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw
fuzzystrmatch hstore insert_username intagg intarray isn lo ltree moddatetime old_snapshot pageinspect pg_buffercache
pg_duckdb pg_freespacemap pg_ivm pg_prewarm pg_similarity pg_stat_statements pg_surgery pg_trgm pg_visibility pgaudit
pgcrypto pgrowlocks pgstattuple vector plpgsql postgis postgis_raster postgis_tiger_geocoder postgis_topology
postgres_fdw refint seg sslinfo tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp xml2
"""

PLATFORMS = {"render": frozenset(_RENDER.split())}
