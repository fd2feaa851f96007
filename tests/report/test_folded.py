"""What an ordinary project is told too takes few lines where somebody reads from top to bottom."""

from __future__ import annotations

from dataclasses import replace

from alembic_rehearsal.model import Finding, Location, Severity
from alembic_rehearsal.report._folded import folded

TWICE = tuple(
    Finding(
        check="not-repeatable",
        severity=Severity.WARNING,
        message=f"Revision r{number} can't be run twice",
        evidence=tuple(f"r{number}.py:{line}: SQLSTATE 42P07" for line in range(1, 8)),
        location=Location(f"r{number}.py", 1),
        revision=f"r{number}",
    )
    for number in range(30)
)
RACE = Finding(check="not-race-safe", severity=Severity.WARNING, message="2 fail", fix="a\nlong\nrecipe", sql="CREATE")
OTHER = Finding(check="swallowed-error", severity=Severity.WARNING, message="went on")


def test_revisions_that_cannot_be_run_twice_are_one_entry_in_the_place_of_the_first() -> None:
    first, together, last = folded((OTHER, *TWICE, RACE))

    assert (first, last.check) == (OTHER, "not-race-safe")
    assert together.message == "30 of the pending revisions can't be run twice"
    assert together.evidence[0] == "r0: r0.py:1: SQLSTATE 42P07 (and 6 more)"
    assert together.evidence[-1] == "and 25 more revisions"
    assert last.fix.endswith("--idempotence race-safe")


def test_one_revision_keeps_its_words_and_its_first_lines() -> None:
    [found] = folded(TWICE[:1])

    assert found.message == TWICE[0].message
    assert found.evidence == (*TWICE[0].evidence[:5], "and 2 more")


def test_what_blocks_stays_as_it_is() -> None:
    errors = tuple(replace(each, severity=Severity.ERROR) for each in (*TWICE, RACE))

    assert folded(errors) == errors
