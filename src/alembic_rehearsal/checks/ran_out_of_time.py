"""The command did not end in time; what it was waiting for is shown."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.model import Evidence, Finding, Severity

ID = "ran-out-of-time"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding when the command was stopped at the time limit."""
    trace = evidence.trace
    if trace.exit_status is not None:
        return
    step = trace.steps[-1] if trace.steps else None
    where = f" in revision {step.revision}" if step and step.outcome == "interrupted" else ""
    yield Finding(
        check=ID,
        severity=Severity.UNPROVED,
        message=f"The command was stopped{where} after {trace.duration_s:.0f} s",
        evidence=trace.waiting_on or trace.output_tail[-5:],
        fix="A lock held by the command's own other connection would hang in production too. For work that is only "
        "long: --timeout SECONDS",
        location=step.location if step and where else None,
        revision=step.revision if step and where else "",
    )
