INSERT INTO alembic_version VALUES ('0001');
