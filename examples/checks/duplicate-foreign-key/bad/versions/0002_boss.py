"""A team's boss is a user."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_foreign_key("fk_teams_boss_users", "teams", "users", ["boss"], ["id"])
