"""Rehearse `alembic upgrade` on production's schema before the deploy does."""

__version__ = "0.1.0"
