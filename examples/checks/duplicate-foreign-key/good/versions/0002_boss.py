"""A team's boss is a user."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.execute("ALTER TABLE teams RENAME CONSTRAINT teams_boss_fkey TO fk_teams_boss_users")
