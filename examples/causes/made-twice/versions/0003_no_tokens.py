"""No tokens."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.drop_table("tokens")
