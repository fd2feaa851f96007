"""How much of a statement and of a list a finding shows."""

from __future__ import annotations

from alembic_rehearsal.masking import masked

_WIDTH = 160


def shortened(sql: str, most: int = 6) -> str:
    """Return the first *most* lines of a statement, without passwords."""
    lines = [line[:_WIDTH].rstrip() for line in masked(sql).strip().splitlines() if line.strip()]
    return "\n".join(lines[:most] + (["..."] if len(lines) > most else []))


def first_of(lines: tuple[str, ...], most: int) -> tuple[str, ...]:
    """Return the first *most* of *lines*, and one that counts the rest."""
    return lines[:most] + ((f"and {len(lines) - most} more",) if len(lines) > most else ())
