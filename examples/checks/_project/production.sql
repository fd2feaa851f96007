CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
