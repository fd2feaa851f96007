"""Kinds of tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.add_column("tokens", sa.Column("kind", sa.Integer))
