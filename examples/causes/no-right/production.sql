CREATE ROLE dba;
CREATE ROLE app;
ALTER TABLE alembic_version OWNER TO app;
ALTER TABLE users OWNER TO dba;
