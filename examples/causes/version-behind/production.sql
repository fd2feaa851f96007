CREATE TABLE tokens (id serial PRIMARY KEY, value varchar(40));
CREATE INDEX ix_tokens_value ON tokens (value);
ALTER TABLE tokens ADD kind int;
