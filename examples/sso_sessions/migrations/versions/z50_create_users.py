"""create users

Revision ID: z50
Revises:
Create Date: 2025-01-10 09:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "z50"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )


def downgrade():
    op.drop_table("users")
