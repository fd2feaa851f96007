"""The users."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.String(255)))
    op.execute("SELECT 1 / (SELECT count(*) FROM pg_tables WHERE tablename = 'never')")
