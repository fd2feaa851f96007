"""Waivers: what they cover is shown and weighs nothing, until their day has come."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alembic_rehearsal import waivers
from alembic_rehearsal.compose import compose
from alembic_rehearsal.errors import UsageError
from alembic_rehearsal.model import Finding, Offer, Report, Severity, Verdict, Waiver
from alembic_rehearsal.options import merge
from alembic_rehearsal.report import reporter
from alembic_rehearsal.report._rules import RULES
from alembic_rehearsal.report.look import Look
from evidence import EVIDENCE, TRACE

TODAY = datetime.date(2026, 3, 1)
INDEX = Finding("invalid-index", Severity.ERROR, "the upgrade leaves the index public.ix invalid", revision="b")
FAILED = Finding("upgrade-failed", Severity.ERROR, "it failed", revision="b")
WAIVER = Waiver("invalid-index", "nobody queries it", "2026-03-01")
ENTRY = {"check": "invalid-index", "reason": "nobody queries it", "until": "2026-04-01"}


def applied(*findings: Finding, waiver: Waiver = WAIVER, complete: bool = True) -> tuple[Finding, ...]:
    kept, said = waivers.applied(findings, [waiver], TODAY, complete=complete)
    return (*kept, *said)


def reported(*findings: Finding, until: datetime.date, status: int = 0) -> Report:
    options = replace(EVIDENCE.options, waivers=(replace(WAIVER, until=until.isoformat()),))
    evidence = replace(EVIDENCE, options=options, trace=replace(TRACE, exit_status=status, contexts=()), tables=())
    return compose(evidence, Offer("local", 17, "17.1", "/x"), findings, (), {})


def test_what_is_waived_is_shown_with_its_reason_and_weighs_nothing() -> None:
    """Its last day counts."""
    [found] = applied(INDEX)

    assert (found.severity, found.weighed, found.waived) == (Severity.NOTE, "error", WAIVER)
    assert found.evidence == ("waived until 2026-03-01: nobody queries it",)


@pytest.mark.parametrize(
    ("waiver", "covers"),
    [
        (replace(WAIVER, revision="b"), True),
        (replace(WAIVER, revision="c"), False),
        (replace(WAIVER, match="index public.ix invalid"), True),
        (replace(WAIVER, match="public.iy"), False),
        (replace(WAIVER, check="not-valid-constraint"), False),
    ],
)
def test_a_waiver_covers_what_it_names(waiver: Waiver, covers: bool) -> None:
    found = applied(INDEX, waiver=waiver)

    assert [each.waived for each in found] == ([waiver] if covers else [None, None])
    assert covers or found[1].check == waivers.UNUSED


def test_a_waiver_that_has_ended_is_a_warning_and_covers_nothing() -> None:
    found = applied(INDEX, waiver=replace(WAIVER, until="2026-02-28"))

    assert found[0] == INDEX
    assert (found[1].check, found[1].severity) == (waivers.EXPIRED, Severity.WARNING)
    assert "ended on 2026-02-28" in found[1].message


def test_an_upgrade_that_failed_says_nothing_of_unused_waivers() -> None:
    """What they are for may lie behind the failure."""
    assert applied(FAILED, complete=False) == (FAILED,)


def test_what_withholds_the_verdict_or_is_it_can_not_be_waived() -> None:
    withheld = replace(INDEX, severity=Severity.UNPROVED)

    assert applied(withheld, complete=False) == (withheld,)
    assert applied(FAILED, waiver=replace(WAIVER, check="upgrade-failed"), complete=False) == (FAILED,)


def test_the_verdict_counts_what_is_left() -> None:
    """A pass with a waiver, a block once it has ended; never a pass of a command that failed."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    ended = today - datetime.timedelta(days=1)

    assert reported(INDEX, until=today).verdict is Verdict.PASS
    assert reported(INDEX, until=ended).verdict is Verdict.BLOCKED
    assert reported(INDEX, FAILED, until=today, status=1).verdict is Verdict.BLOCKED
    assert reported(INDEX, until=today, status=1).verdict is Verdict.NO_VERDICT


def test_code_scanning_sees_a_suppression() -> None:
    report = reported(INDEX, until=datetime.datetime.now(datetime.timezone.utc).date())
    [result] = json.loads(reporter("sarif")(report, Look()))["runs"][0]["results"]
    [suppression] = result["suppressions"]

    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert suppression["justification"].startswith("nobody queries it (until ")


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ("invalid-index", "a list of entries is wanted"),
        (["invalid-index"], "a list of entries is wanted"),
        ([{**ENTRY, "reason": " "}], "waiver 1 has no reason"),
        ([{"check": "invalid-index", "reason": "x"}], "waiver 1 has no until"),
        ([ENTRY, {**ENTRY, "until": "soon"}], "waiver 2 is until soon: a day is wanted"),
        ([{**ENTRY, "until": datetime.datetime(2026, 4, 1)}], "a day is wanted"),  # noqa: DTZ001
        ([{**ENTRY, "until": "2028-01-01"}], "a year is the most"),
        ([{**ENTRY, "check": "invalid-indices"}], "no check 'invalid-indices'"),
        ([{**ENTRY, "check": "upgrade-failed"}], "is the verdict itself and can't be waived"),
        ([{**ENTRY, "check": "waiver-expired"}], "no check 'waiver-expired'"),
        ([{**ENTRY, "revision": 10}], "revision takes a text, not 10"),
        ([{**ENTRY, "object": "x"}], "unknown key 'object'"),
    ],
)
def test_a_wrong_entry_is_wrong_usage(entries: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        waivers.read(entries, RULES, TODAY)


@pytest.mark.parametrize(
    ("file", "lines"),
    [
        (
            "alembic-rehearsal.yml",
            "waivers:\n  - check: invalid-index\n    reason: nobody\n    until: {day}\n    revision: '0012'\n",
        ),
        (
            "pyproject.toml",
            """[[tool.alembic-rehearsal.waivers]]
check = 'invalid-index'
reason = 'nobody'
until = {day}
revision = '0012'
""",
        ),
    ],
)
def test_both_kinds_of_files_have_them(file: str, lines: str, tmp_path: Path) -> None:
    """A day is a date of YAML's and TOML's own."""
    day = datetime.datetime.now(datetime.timezone.utc).date()
    (tmp_path / file).write_text(lines.format(day=day))

    asked, _ = merge({"directory": str(tmp_path), "dump": "p.sql"})

    assert asked.waivers == (Waiver("invalid-index", "nobody", day.isoformat(), revision="0012"),)
