"""Addresses in small letters."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.execute("DROP VIEW addresses")
    op.execute("CREATE VIEW addresses AS SELECT lower(email)::varchar(255) AS email FROM users")
