"""The fixtures of these tests: their production is a listener, not a database."""

from __future__ import annotations

from fix_probe import endpoint, exchange, login, production, project

__all__ = ["endpoint", "exchange", "login", "production", "project"]
