"""The dumps that these tests share."""

from __future__ import annotations

from fix_dumps import (
    production,
    production13,
    production14,
    production15,
    production16,
    production17,
    production18,
    production_by16,
    restore,
)

__all__ = [
    "production",
    "production13",
    "production14",
    "production15",
    "production16",
    "production17",
    "production18",
    "production_by16",
    "restore",
]
