"""The report as text, of what somebody wrote who wants it to be more than text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hostile import reports
from hypothesis import given, settings
from test_text import REPORT

from alembic_rehearsal.model import Report, RevisionLine
from alembic_rehearsal.report import text
from alembic_rehearsal.report.look import Look


@pytest.mark.parametrize("message", ["remove [/api] prefix", "add [users] table", "see [link=https://x.example]it"])
@pytest.mark.parametrize("colour", [True, False])
def test_a_revisions_message_is_no_markup(message: str, *, colour: bool) -> None:
    """Brackets stay, and an end without a beginning is no fault of the tool."""
    shown = text.render(
        replace(REPORT, revisions=(RevisionLine("b[/]2", message, "applied", 1.0),)), Look(colour=colour)
    )

    assert message in shown
    assert "b[/]2" in shown


@given(reports)
@settings(deadline=None, max_examples=60)
def test_whatever_a_report_holds_it_can_be_shown(report: Report) -> None:
    """And the verdict stays on the last line."""
    assert text.render(report, Look()).splitlines()[-1].startswith(("PASS: ", "BLOCKED: ", "NO VERDICT: "))
