"""Production's dump: what it is (`inspect`), and how it becomes a throw-away database (`restore`)."""

from __future__ import annotations

from alembic_rehearsal.dump.inspect import inspect
from alembic_rehearsal.dump.restore import restore

__all__ = ["inspect", "restore"]
