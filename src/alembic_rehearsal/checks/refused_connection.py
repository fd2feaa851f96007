"""A connection that could not be redirected was refused, and the command tells where it wanted to go."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.model import Connection, Evidence, Finding, Severity

ID = "refused-connection"

_FIX = "If the migration needs it and it is not production's, allow its port (TCP only): --allow-port PORT"
_FIX_SOCKET = "No other PostgreSQL's Unix socket is open to the command: whatever needs it can't be rehearsed."
_FIX_IN_AN_IMAGE = "In the application's image it has no network but the throw-away server's, and can be given none."


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield one finding for each place that was refused: a warning when the command went on without it."""
    refused: dict[tuple[str, str], Connection] = {}
    for each in evidence.trace.connections:
        if each.outcome == "refused":
            refused.setdefault((each.wanted, each.via), each)
    failed = evidence.trace.exit_status != 0
    for each in refused.values():
        yield Finding(
            check=ID,
            severity=Severity.UNPROVED if failed else Severity.WARNING,
            message=f"A connection to {each.wanted} by {each.via} was refused: {each.reason}",
            fix=_fix(evidence, each),
            location=each.location,
        )


def _fix(evidence: Evidence, refused: Connection) -> str:
    if evidence.project.image is not None:
        return _FIX_IN_AN_IMAGE
    return _FIX_SOCKET if refused.wanted.rpartition("@")[2].startswith(("/", "@")) else _FIX
