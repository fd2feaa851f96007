"""The dumps that these tests share."""

from __future__ import annotations

from fix_dumps import production, production15, production16, production17, production18, restore

__all__ = ["production", "production15", "production16", "production17", "production18", "restore"]
