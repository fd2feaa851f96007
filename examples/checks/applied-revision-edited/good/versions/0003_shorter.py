"""Phone numbers get a limit."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.alter_column("users", "phone", type_=sa.String(20))
