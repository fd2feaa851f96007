"""What a rehearsal needs of production, read from production itself: the one room that talks to it, and only reads."""

from __future__ import annotations

from alembic_rehearsal.snapshot.take import Taken, take

__all__ = ["Taken", "take"]
