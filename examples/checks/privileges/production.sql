CREATE ROLE app_reader;
CREATE VIEW addresses AS SELECT email FROM users;
GRANT SELECT ON addresses TO app_reader;
