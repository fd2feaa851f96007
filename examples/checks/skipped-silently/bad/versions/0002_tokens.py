"""Tokens."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.execute("CREATE TABLE IF NOT EXISTS tokens (id serial PRIMARY KEY, value varchar(40))")
