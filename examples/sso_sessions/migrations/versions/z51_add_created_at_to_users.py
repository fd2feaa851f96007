"""add created_at to users

Revision ID: z51
Revises: z50
Create Date: 2025-01-17 10:30:00
"""

import sqlalchemy as sa
from alembic import op

revision = "z51"
down_revision = "z50"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "users",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )


def downgrade():
    op.drop_column("users", "created_at")
