"""Addresses have an @."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.execute("ALTER TABLE users ADD CONSTRAINT email_at CHECK (email LIKE '%@%') NOT VALID")
    op.execute("ALTER TABLE users VALIDATE CONSTRAINT email_at")
