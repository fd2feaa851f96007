"""What a project may decide about findings, and what it may not."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

import alembic_rehearsal
from alembic_rehearsal import policy, waivers
from alembic_rehearsal.compose import compose
from alembic_rehearsal.errors import UsageError
from alembic_rehearsal.model import Finding, Offer, Report, Severity, Verdict
from alembic_rehearsal.report import text
from alembic_rehearsal.report._rules import RULES
from alembic_rehearsal.report.look import Look
from evidence import EVIDENCE, TRACE

WARNING = Finding("refused-connection", Severity.WARNING, "a connection elsewhere was refused")
NOTE = Finding("survey-stopped", Severity.NOTE, "the rest was not tried")
ERROR = Finding("upgrade-failed", Severity.ERROR, "it failed")
WITHHELD = replace(WARNING, severity=Severity.UNPROVED)
OFFER = Offer("local", 17, "17.1", "/usr/lib/postgresql/17/bin")


def reported(*findings: Finding, fail_on: str = "error", severity: tuple[str, ...] = (), status: int = 0) -> Report:
    options = replace(EVIDENCE.options, fail_on=fail_on, severity=severity)
    evidence = replace(EVIDENCE, options=options, trace=replace(TRACE, exit_status=status, contexts=()), tables=())
    return compose(evidence, OFFER, findings, (), {})


@pytest.mark.parametrize(
    ("findings", "fail_on", "verdict"),
    [
        ((WARNING, NOTE), "error", Verdict.PASS),
        ((WARNING, NOTE), "warning", Verdict.BLOCKED),
        ((NOTE,), "warning", Verdict.PASS),
        ((NOTE,), "note", Verdict.BLOCKED),
        ((), "note", Verdict.PASS),
        ((WITHHELD, WARNING), "warning", Verdict.NO_VERDICT),
        ((ERROR, WITHHELD), "note", Verdict.BLOCKED),
    ],
)
def test_the_least_severity_that_blocks(findings: tuple[Finding, ...], fail_on: str, verdict: Verdict) -> None:
    """It can only turn a pass into a block."""
    assert reported(*findings, fail_on=fail_on).verdict is verdict


def test_a_block_by_warnings_says_so() -> None:
    """It is not said to be a failure of production's."""
    shown = text.render(reported(WARNING, WARNING, NOTE, fail_on="note"), Look(quiet=True))

    assert shown.splitlines()[-1] == "BLOCKED: 2 warnings, which block here (exit 1)"


def test_a_check_that_is_switched_off_is_counted() -> None:
    """Its findings are gone, and no longer block; the report doesn't hide that."""
    report = reported(WARNING, WARNING, NOTE, fail_on="warning", severity=("refused-connection=off",))

    assert (report.verdict, report.findings) == (Verdict.PASS, (NOTE,))
    assert report.notes[-1] == "--severity refused-connection=off left out 2 findings"


def test_a_finding_is_weighed_anew() -> None:
    """Up and down."""
    report = reported(WARNING, NOTE, severity=("refused-connection=note", "survey-stopped=warning"))

    assert [each.severity for each in report.findings] == [Severity.NOTE, Severity.WARNING]


@pytest.mark.parametrize("level", policy.LEVELS)
def test_what_withholds_the_verdict_stays(level: str) -> None:
    """The same check does so when the command failed over the refused connection."""
    report = reported(WITHHELD, severity=(f"refused-connection={level}",), status=1)

    assert report.findings == (WITHHELD,)
    assert report.verdict is not Verdict.PASS


def test_a_check_can_be_made_an_error_that_is_not_called_a_failure_of_productions() -> None:
    """The project's decision is among the notes."""
    report = reported(NOTE, WARNING, severity=("survey-stopped=error",))

    assert report.verdict is Verdict.BLOCKED
    assert [(each.severity, each.weighed) for each in report.findings] == [
        (Severity.ERROR, "note"),
        (Severity.WARNING, ""),
    ]
    assert report.notes[-1] == "--severity survey-stopped=error weighs 1 finding anew, note before"
    assert text.render(report, Look(quiet=True)).splitlines()[-1] == "BLOCKED: 1 error, which block here (exit 1)"


def test_an_error_that_is_not_the_verdict_itself_can_be_lowered() -> None:
    """The upgrade went through, and the project can live with what it leaves."""
    index = Finding("invalid-index", Severity.ERROR, "the upgrade leaves the index public.ix invalid")

    assert reported(index).verdict is Verdict.BLOCKED
    assert reported(index, severity=("invalid-index=warning",)).verdict is Verdict.PASS
    assert reported(index, ERROR, severity=("invalid-index=off",), status=1).verdict is Verdict.BLOCKED
    assert reported(index, severity=("invalid-index=off",), status=1).verdict is Verdict.NO_VERDICT


@pytest.mark.parametrize(
    ("entries", "fail_on", "said", "fix"),
    [
        (("refused-conection=off",), "error", "no check 'refused-conection'", "Did you mean refused-connection=off?"),
        (("zzz=off",), "error", "no check 'zzz'", ", refused-connection, "),
        (("survey-stopped",), "error", "the levels are off, note, warning, error", "--severity survey-stopped=off"),
        (("survey-stopped=bad",), "error", "the levels are off, note, warning, error", "=off"),
        (("no-verdict=off",), "error", "is the verdict itself", ""),
        (("upgrade-failed=warning",), "error", "is the verdict itself", ""),
        (("survey-stopped=off", "survey-stopped=note"), "error", "given twice", ""),
        ((), "unproved", "known are error, warning, note", ""),
        ((), "never", "known are error, warning, note", ""),
    ],
)
def test_a_setting_that_can_not_be_followed_is_wrong_usage(
    entries: tuple[str, ...], fail_on: str, said: str, fix: str
) -> None:
    """It is said before anything is started."""
    with pytest.raises(UsageError) as caught:
        policy.check_settings(entries, fail_on, RULES)

    assert said in str(caught.value)
    assert fix in caught.value.fix


def test_what_can_be_set_has_something_to_be_set() -> None:
    """A check is fixed if nothing of its file weighs less than an error, and only then; waivers are told of too."""
    folder = Path(alembic_rehearsal.__file__).parent / "checks"
    weighed = {
        path.stem.replace("_", "-")
        for path in folder.glob("[a-z]*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if ast.unparse(node) in ("Severity.WARNING", "Severity.NOTE")
    }

    assert set(RULES) - policy.FIXED == weighed | {waivers.EXPIRED, waivers.UNUSED}
