"""Teams, and who is in one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True))
    op.add_column("users", sa.Column("team", sa.Integer))
    op.create_foreign_key("fk_users_team", "users", "teams", ["team"], ["id"])
