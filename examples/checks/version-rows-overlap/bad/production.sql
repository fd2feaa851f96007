ALTER TABLE users ADD phone text;
INSERT INTO alembic_version VALUES ('0001'), ('0002');
