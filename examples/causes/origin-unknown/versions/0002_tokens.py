"""Tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", sa.String(40)))
    op.create_index("ix_tokens_value", "tokens", ["value"])
