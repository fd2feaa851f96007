"""docs/incidents.md: each row of its table is a test, and each reproduction of the tests is a row."""

from __future__ import annotations

import sys
from pathlib import Path

import test_incident_classes
import test_incidents

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts import checks as examples
from scripts import incidents

from alembic_rehearsal.compose import compose
from alembic_rehearsal.model import Offer
from evidence import evidence

# Of no class that the page has: any run would tell them.
OTHERS = {"P1-function", "syntax"}


def test_the_page_is_as_its_rows_are() -> None:
    """`python -m scripts.incidents` writes it."""
    assert incidents.PAGE.read_text() == incidents.page()


def test_every_row_is_shown_by_a_test_of_the_same_check() -> None:
    """An example is found as its own check; the others say theirs."""
    shown = {each.id: each.check for each in test_incidents.INCIDENTS}
    shown |= {each.id: each.check for each in test_incident_classes.INCIDENTS}
    shown |= {each.id: "" for each in test_incident_classes.UNTOLD}
    shown |= {f"examples/checks/{check}": check for check in examples.names()}

    assert {row.shown: row.check for row in incidents.ROWS}.items() <= shown.items()
    assert {each for each in shown if "/" not in each} - {row.shown for row in incidents.ROWS} == OTHERS


def test_the_classes_that_a_schema_can_show_are_all_there() -> None:
    """G and M are not: rows and locks."""
    assert "".join(sorted({row.group for row in incidents.ROWS})) == "ABCDEFHIJKLNOQ"


def test_what_no_run_can_show_is_said_in_each_report() -> None:
    """A pass says what it doesn't say."""
    report = compose(evidence(), Offer("local", 17, "17.1", "/x"), (), (), {})

    said = "\n".join(report.not_tested)
    for words in ("depends on rows", "locks", "DDL that the application", "--base REF", "indexes that are INVALID"):
        assert words in said
