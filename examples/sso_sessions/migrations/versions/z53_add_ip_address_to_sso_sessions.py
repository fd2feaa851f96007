"""add ip_address to sso_sessions

Revision ID: z53
Revises: z52
Create Date: 2025-02-03 16:45:00
"""

import sqlalchemy as sa
from alembic import op

revision = "z53"
down_revision = "z52"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("sso_sessions", sa.Column("ip_address", sa.String(length=45), nullable=True))


def downgrade():
    op.drop_column("sso_sessions", "ip_address")
