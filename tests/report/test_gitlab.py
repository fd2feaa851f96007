"""The report as code quality JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
from hostile import HUGE, SNIPPETS, filled, reports
from hypothesis import given, settings
from test_text import FINDING, REPORT

from alembic_rehearsal.model import Report, Verdict
from alembic_rehearsal.report import gitlab
from alembic_rehearsal.report.look import Look

# The table of https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "additionalProperties": False,
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def test_a_finding_is_one_entry() -> None:
    """Description, check, severity and place are those of the finding."""
    [entry] = json.loads(gitlab.render(REPORT, Look(prefix="api")))

    assert entry["description"].startswith(FINDING.message)
    assert (entry["check_name"], entry["severity"]) == ("upgrade-failed", "blocker")
    assert entry["location"] == {"path": "api/migrations/versions/z52.py", "lines": {"begin": 18}}


def test_a_finding_without_a_file_stands_at_the_configuration() -> None:
    """The format has no entry without a path."""
    bare = replace(REPORT, findings=(replace(FINDING, location=None),))

    [entry] = json.loads(gitlab.render(bare, Look(prefix="api", anchor="db/alembic.ini")))

    assert entry["location"] == {"path": "api/db/alembic.ini", "lines": {"begin": 1}}


def test_no_verdict_is_never_an_empty_list() -> None:
    """An empty list reads as a pass."""
    silent = replace(REPORT, verdict=Verdict.NO_VERDICT, findings=())

    [entry] = json.loads(gitlab.render(silent, Look()))

    assert (entry["check_name"], entry["severity"]) == ("no-verdict", "critical")
    assert json.loads(gitlab.render(replace(silent, verdict=Verdict.PASS), Look())) == []


@pytest.mark.parametrize("text", [*SNIPPETS, HUGE])
def test_hostile_text_keeps_to_the_format(text: str) -> None:
    """Equal findings have fingerprints of their own, and a text of megabytes is cut."""
    output = gitlab.render(filled(text), Look())

    entries = json.loads(output)
    jsonschema.validate(entries, SCHEMA)
    assert len({entry["fingerprint"] for entry in entries}) == 3
    assert len(output) < 50_000


@settings(deadline=None)
@given(report=reports)
def test_any_report_keeps_to_the_format(report: Report) -> None:
    """It is JSON in UTF-8, as the documentation describes it."""
    found = tuple(replace(each, message=each.message.strip() or "x") for each in report.findings)

    output = gitlab.render(replace(report, findings=found), Look())

    jsonschema.validate(json.loads(output.encode()), SCHEMA)
