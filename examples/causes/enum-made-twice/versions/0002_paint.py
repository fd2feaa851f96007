"""Paint."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_table("paint", sa.Column("c", sa.Enum("red", "blue", name="color")))
