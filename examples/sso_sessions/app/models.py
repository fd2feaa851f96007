"""The application's tables as they should be after the last revision."""

import sqlalchemy as sa
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"

    id = sa.Column(sa.Integer, primary_key=True)
    email = sa.Column(sa.String(255), nullable=False, unique=True)
    created_at = sa.Column(sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


class SsoSession(Base):
    __tablename__ = "sso_sessions"

    id = sa.Column(sa.Integer, primary_key=True)
    user_id = sa.Column(sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False)
    session_token = sa.Column(sa.String(512), nullable=False, unique=True)
    expires_at = sa.Column(sa.DateTime(timezone=True), nullable=False, index=True)
    ip_address = sa.Column(sa.String(45))
    created_at = sa.Column(sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
