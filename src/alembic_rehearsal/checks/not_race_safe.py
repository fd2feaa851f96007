"""Several upgrades at once don't all end well: instances that start together, two deploys, an early retry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alembic_rehearsal import grades
from alembic_rehearsal.checks import _again, _lock
from alembic_rehearsal.model import Evidence, Finding, Severity

if TYPE_CHECKING:
    from alembic_rehearsal.again.records import Start

ID = "not-race-safe"

_MOST = 6


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield one finding: an error where the project shows that its instances migrate when they start."""
    race = evidence.again.race if evidence.again else None
    if race is None or race.safe:
        return
    strict = bool(race.starts) or grades.blocks(evidence.options, "race-safe")
    ends = [_again.ending(trace) for trace in race.losers]
    told = [f"{_again.place(end.location)}{end.said}" for end in ends]
    lines = [f"{told.count(line)} of {race.instances}: {line}" for line in dict.fromkeys(told)]
    lines += [f"afterwards: {line}" for line in race.differences]
    if race.starts:
        lines += [_start(each) for each in race.starts]
    elif not strict:
        lines.append(
            "This matters if several may run at once: instances that migrate when they start, deploys that overlap. "
            "No file of this project says so."
        )
    first = next((end for end in ends if end.error), ends[0] if ends else None)
    yield Finding(
        check=ID,
        severity=Severity.ERROR if strict else Severity.WARNING,
        message=_message(race.instances, len(race.losers)),
        evidence=tuple(lines[:_MOST]),
        fix=_lock.RECIPE,
        location=first.location if first else None,
        revision=first.revision if first else "",
        sqlstate="",
        sql=first.sql if first else "",
        error=first.error if first else None,
    )


def _start(start: Start) -> str:
    # The line of a YAML field begins with its name.
    what = "" if start.what in start.text else f" ({start.what})"
    return f"{start.location.path}:{start.location.line} migrates when an instance starts{what}: {start.text}"


def _message(instances: int, losers: int) -> str:
    if not losers:
        return f"{instances} upgrades at once all end with 0, and what they leave is not what one of them leaves"
    fail = "fails" if losers == 1 else "fail"
    return f"Of {instances} upgrades at once, on one copy of production's schema, {losers} {fail}"
