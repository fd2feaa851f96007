"""create sso_sessions table

Revision ID: z52
Revises: z51
Create Date: 2025-01-29 12:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "z52"
down_revision = "z51"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "sso_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("session_token", sa.String(length=512), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("session_token"),
    )
    op.create_index("ix_sso_sessions_expires_at", "sso_sessions", ["expires_at"])


def downgrade():
    op.drop_table("sso_sessions")
