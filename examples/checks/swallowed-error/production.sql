CREATE TABLE teams (id int PRIMARY KEY, boss int REFERENCES users);
