"""Tokens, as they were on a branch that was merged later."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True))
    op.add_column("users", sa.Column("token_id", sa.Integer))
