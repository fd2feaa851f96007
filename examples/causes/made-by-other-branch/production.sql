CREATE TABLE tokens (id serial PRIMARY KEY);
