"""Teams."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    if not sa.inspect(op.get_bind()).has_table("teams"):
        op.create_table("teams", sa.Column("id", sa.Integer))
