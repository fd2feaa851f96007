"""Phone numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    with op.get_context().autocommit_block():
        op.add_column("users", sa.Column("phone", sa.Text))
    op.create_index("ix_phone", "users", ["phone"])
