"""The survey could not go on in a revision: what stands after that place in it was not tried."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.checks import _graph
from alembic_rehearsal.model import Evidence, Finding, Severity

ID = "survey-stopped"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a note for each revision that the survey left early, and one if it ended before the last revision."""
    if evidence.survey is None:
        return
    unfit = {revision.revision for _, revision in _graph.too_long(evidence)}
    for failure in evidence.survey.failures:
        if failure.phase != "survey" or failure.error is not None:
            continue
        yield Finding(
            check=ID,
            severity=Severity.NOTE,
            message=f"What comes after revision {failure.revision} was not tried: its id can't be recorded"
            if failure.revision in unfit
            else f"After the failures above, revision {failure.revision} could not be followed any further: "
            f"{failure.text}",
            location=failure.location,
            revision=failure.revision,
            conditional_on=True,
        )
