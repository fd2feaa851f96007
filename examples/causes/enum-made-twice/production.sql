CREATE TYPE color AS ENUM ('red', 'blue');
CREATE TABLE paint (c color);
INSERT INTO alembic_version VALUES ('0002');
