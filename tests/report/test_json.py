"""The report as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema

from alembic_rehearsal.model import Report, Verdict
from alembic_rehearsal.report import json as reporter
from alembic_rehearsal.report.look import Look

sys.path.insert(0, str(Path(__file__).parent))
from schema import PATH, schema
from test_text import REPORT

BARE = Report(Verdict.NO_VERDICT, (), "", None, None, None, kernel_guard=False)


def test_the_published_schema_is_that_of_the_records() -> None:
    """`python tests/report/schema.py` writes it anew after a change of the records."""
    assert json.loads(PATH.read_text()) == schema()


def test_a_report_keeps_to_the_schema() -> None:
    """A full report and one that has nothing but a verdict are both valid."""
    for report in (REPORT, BARE):
        jsonschema.validate(json.loads(reporter.render(report, Look())), schema())


def test_the_exit_status_is_in_it() -> None:
    """Whoever has only the file knows how the run ended."""
    shown = json.loads(reporter.render(replace(REPORT, verdict=Verdict.BLOCKED), Look()))

    assert (shown["schema_version"], shown["verdict"], shown["exit_status"]) == (1, "blocked", 1)
