"""The application images that these tests share."""

from __future__ import annotations

from fix_images import base, build

__all__ = ["base", "build"]
