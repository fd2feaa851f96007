"""An address belongs to one user."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    with op.get_context().autocommit_block():
        try:
            op.create_index("ix_email", "users", ["email"], unique=True, postgresql_concurrently=True)
        except sa.exc.IntegrityError:
            pass
