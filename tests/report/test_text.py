"""The report as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_rehearsal.model import (
    DumpInfo,
    Finding,
    Location,
    Migrator,
    Need,
    Offer,
    Remedy,
    Report,
    RevisionLine,
    Severity,
    Trial,
    Verdict,
)
from alembic_rehearsal.report import text
from alembic_rehearsal.report.look import Look

FINDING = Finding(
    check="upgrade-failed",
    severity=Severity.ERROR,
    message='Revision z52 failed with SQLSTATE 42P07 (duplicate_table): relation "sso_sessions" already exists',
    evidence=("production has table public.sso_sessions, owned by app, 6 columns",),
    fix="    op.create_table(..., if_not_exists=True)",
    location=Location("migrations/versions/z52.py", 18, "upgrade"),
    revision="z52",
    sqlstate="42P07",
    sql="CREATE TABLE sso_sessions (\n\tid INTEGER NOT NULL\n)",
    folded=("z52.py:30: SQLSTATE 42P01: gone",),
)
REPORT = Report(
    verdict=Verdict.BLOCKED,
    command=("/venv/bin/alembic", "upgrade", "head"),
    python="/venv/bin/python",
    dump=DumpInfo("production.sql", "plain", (), "production.sql", "15.14", "15.14", None, Need(15), 10, 0.0),
    server=Offer("local", 15, "15.18", "/usr/lib/postgresql/15/bin"),
    migrator=Migrator("app", is_superuser=False, why="owner of public.alembic_version"),
    kernel_guard=True,
    from_revisions=("z51",),
    to_revisions=("z51",),
    revisions=(RevisionLine("z52", "create sso_sessions", "failed", None),),
    findings=(FINDING,),
    state_left=("Production would stay at z51: no revision is recorded as applied.",),
    notes=("a note",),
    not_tested=("locks under load",),
    timings={"upgrade": 1.25, "judge": 0.001},
)


@pytest.mark.parametrize("width", [80, 120])
def test_prose_stays_within_the_width(width: int) -> None:
    """Everything but SQL and fixes, which are there to be copied, is wrapped."""
    long = replace(REPORT, notes=("word " * 60,), state_left=("sentence " * 40,))

    lines = text.render(long, Look(width=width)).splitlines()

    assert max(map(len, lines)) <= width


def test_says_revision_place_state_and_verdict() -> None:
    """What a reader at the end of a failed pipeline looks for is there, the verdict on the last line."""
    shown = text.render(REPORT, Look(width=100))

    assert "error[upgrade-failed] migrations/versions/z52.py:18 in upgrade()" in shown
    assert "SQLSTATE 42P07" in shown
    assert "PostgreSQL 15.14, at z51" in shown
    assert "| CREATE TABLE sso_sessions (" in shown
    assert "- z52.py:30: SQLSTATE 42P01: gone" in shown
    assert shown.rstrip().splitlines()[-1] == "BLOCKED: 1 failure that production would have had (exit 1)"


def test_only_a_date_of_the_dumps_own_is_shown() -> None:
    """A checkout makes every file new: its time would be taken for the dump's."""
    assert REPORT.dump is not None
    dated = replace(REPORT, dump=replace(REPORT.dump, dated=True))

    assert "dump        production.sql, 1970-01-01 00:00 UTC\n" in text.render(dated, Look())
    assert "dump        production.sql\n" in text.render(REPORT, Look())


def test_has_no_escape_sequences_without_colour() -> None:
    """A log file holds text; a terminal gets colours."""
    assert "\x1b" not in text.render(REPORT, Look())
    assert "\x1b[" in text.render(REPORT, Look(colour=True))


def test_quiet_leaves_the_findings_and_the_verdict() -> None:
    """--quiet drops the header, the state and the notes."""
    shown = text.render(REPORT, Look(quiet=True))

    assert "42P07" in shown
    assert "BLOCKED" in shown
    assert "a note" not in shown
    assert "rehearsed" not in shown


def test_markup_in_messages_is_text() -> None:
    """Square brackets of a message are not taken for colours."""
    odd = replace(REPORT, findings=(replace(FINDING, message="[red]not red[/red] [/]"),))

    assert "[red]not red[/red] [/]" in text.render(odd, Look(colour=True))


@pytest.mark.parametrize(
    ("report", "last"),
    [
        (replace(REPORT, verdict=Verdict.PASS, findings=(), revisions=()), "PASS: nothing is pending (exit 0)"),
        (
            replace(REPORT, verdict=Verdict.PASS, findings=(), revisions=(RevisionLine("a", "", "applied", 3.0),)),
            "PASS: 1 revision applied (exit 0)",
        ),
        (replace(REPORT, verdict=Verdict.NO_VERDICT), "NO VERDICT: the rehearsal proves nothing (exit 3)"),
    ],
)
def test_each_verdict_has_its_last_line(report: Report, last: str) -> None:
    """The exit status stands beside the word."""
    assert text.render(report, Look()).rstrip().splitlines()[-1] == last


def test_a_long_history_shows_its_ends() -> None:
    """A first rehearsal of three hundred revisions doesn't bury the verdict."""
    many = tuple(RevisionLine(f"r{number}", "", "applied", 1.0) for number in range(300))

    shown = text.render(replace(REPORT, revisions=many), Look())

    assert "r0 " in shown
    assert "r299" in shown
    assert "280 more" in shown
    assert len(shown.splitlines()) < 60


def test_a_report_without_a_run_has_only_its_finding() -> None:
    """A dump that can't be read has no server and no command to show."""
    bare = Report(Verdict.NO_VERDICT, (), "", None, None, None, kernel_guard=False, findings=(FINDING,))

    assert "rehearsed" not in text.render(bare, Look())


def test_what_passed_its_trial_is_shown_with_its_diff_and_the_others_with_their_reason() -> None:
    """A diff stands as it is, to be copied."""
    diff = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-op.create_table('t')\n+op.create_table('t', if_not_exists=True)\n"
    passed = Remedy(
        kind="guard",
        text="Let the revisions skip it",
        trial=Trial("passed", on=("production's schema", "an empty database")),
        diff=diff,
        notes=("a note",),
    )
    stamp = Remedy(kind="stamp", text="Stamp it", trial=Trial("not tried", reason="one fact differs"))
    finding = replace(FINDING, fix="", remedies=(passed, stamp))

    shown = text.render(replace(REPORT, findings=(finding,)), Look(width=100))

    assert "Fix (tried: passes on production's schema and on an empty database): Let the revisions skip it" in shown
    assert "".join(f"     {line}\n" for line in diff.splitlines()) in shown
    assert "   - a note\n   stamp not tried: one fact differs\n" in shown
