"""Every user has a team, from the first on."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    if not op.get_bind().scalar(sa.text("SELECT count(*) FROM users")):
        op.add_column("users", sa.Column("team", sa.Integer, nullable=False))
