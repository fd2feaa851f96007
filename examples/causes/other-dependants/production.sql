CREATE VIEW emails AS SELECT email FROM users;
CREATE VIEW domains AS SELECT split_part(email, '@', 2) FROM emails;
