"""Tokens, whose table somebody has made in production."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    if sa.inspect(op.get_bind()).has_table("tokens"):
        op.alter_column("tokens", "value", type_=sa.String(40))
    else:
        op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True), sa.Column("value", sa.String(40)))
