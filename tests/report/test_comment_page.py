"""The report as a comment."""

from __future__ import annotations

import pytest
from hostile import HUGE, SNIPPETS, filled
from test_markdown import assert_ours
from test_text import REPORT

from alembic_rehearsal.report import comment, markdown
from alembic_rehearsal.report.look import Look

# GitHub's limit, less what the marker and the line below it may take.
ROOM = 65_536 - 4_000


def test_a_short_report_is_the_summary() -> None:
    """Nothing is left out that fits."""
    assert comment.render(REPORT, Look()) == markdown.render(REPORT, Look())


@pytest.mark.parametrize("text", [*SNIPPETS, HUGE])
def test_a_long_one_is_cut_between_its_parts(text: str) -> None:
    """However long the texts are: it fits, says that something is missing, and has no structure of theirs."""
    report = filled(text, findings=300, revisions=300)

    page = comment.render(report, Look())

    assert len(page) < ROOM
    assert "left out" in page
    assert_ours(page, report)
