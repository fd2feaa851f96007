"""The command asked for more than one database, and the rehearsal has only one."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.model import Evidence, Finding, Severity

ID = "several-databases"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding when connections to different databases were all led to the one that was restored.

    Each of several Alembic runs needs its own production, so then there is no verdict. A connection to another
    database beside one run is told: what it does there is done to the wrong database here.
    """
    asked = {
        each.wanted.rpartition("@")[2]
        for each in evidence.trace.connections
        if each.outcome == "redirected" and "/" in each.wanted
    }
    # After the start, the environment names the throw-away server itself.
    databases = sorted(place for place in asked if place.partition("/")[0] != evidence.address)
    if len(databases) < 2:
        return
    several_runs = len(evidence.trace.contexts) > 1
    yield Finding(
        check=ID,
        severity=Severity.UNPROVED if several_runs else Severity.WARNING,
        message=f"The command asked for {len(databases)} databases, and all were led to the one that was restored: "
        + ", ".join(databases),
        fix="Rehearse each with the dump of its own database; -n or -x picks one in most env.py files."
        if several_runs
        else "What the command does in the others is done to the restored database here, and proves nothing there.",
    )
