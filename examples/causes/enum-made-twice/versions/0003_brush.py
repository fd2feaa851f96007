"""Brushes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.create_table("brush", sa.Column("c", sa.Enum("red", "blue", name="color")))
