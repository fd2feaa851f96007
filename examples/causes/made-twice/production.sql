CREATE TABLE tokens (id serial PRIMARY KEY, value varchar(40));
INSERT INTO alembic_version VALUES ('0003');
