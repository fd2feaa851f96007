"""Tokens after all."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade():
    op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", sa.String(40)))
