"""The runner that these tests share."""

from __future__ import annotations

from fix_runner import image, runner

__all__ = ["image", "runner"]
