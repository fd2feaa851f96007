"""Look users up by their address."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    with op.get_context().autocommit_block():
        op.drop_index("ix_email", "users", postgresql_concurrently=True, if_exists=True)
        op.create_index("ix_email", "users", ["email"], postgresql_concurrently=True)
