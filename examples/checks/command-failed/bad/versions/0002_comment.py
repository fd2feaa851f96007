"""Say whose the users are."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    settings = {}
    op.execute(f"COMMENT ON TABLE users IS 'of {settings['owner']}'")
