"""Which trials follow an upgrade that went through, and which of them may block."""

from __future__ import annotations

from alembic_rehearsal.model import Options

# Each includes those before it; the absence of those behind it is told, and doesn't block.
GRADES = ("off", "retryable", "race-safe", "repeatable")

SECOND, CUTS, RACE, RERUN = "second-run-not-a-no-op", "not-retryable", "not-race-safe", "not-repeatable"
"""The checks whose trial is made only if they are on."""


def wanted(options: Options) -> set[str]:
    """Return the checks whose trial is asked for: what is off costs nothing."""
    off = {check for check, _, level in (entry.partition("=") for entry in options.severity) if level == "off"}
    graded = {CUTS, RACE, RERUN} if options.idempotence != "off" else set()
    if options.instances == 1:
        graded.discard(RACE)
    return {SECOND, *graded} - off


def blocks(options: Options, grade: str) -> bool:
    """Say whether the absence of *grade* blocks."""
    return GRADES.index(options.idempotence) >= GRADES.index(grade)
