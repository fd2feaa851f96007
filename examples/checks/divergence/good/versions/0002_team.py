"""Every user has a team: those of before have team 0."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("users", sa.Column("team", sa.Integer, server_default="0", nullable=False))
