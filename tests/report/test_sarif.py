"""The report as SARIF, held against the model that was generated from the standard's own schema."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hostile import HUGE, SNIPPETS, filled, reports
from hypothesis import given, settings
from pydantic_sarif.model import (  # type: ignore[import-untyped]
    StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif,
)
from test_text import FINDING, REPORT

import alembic_rehearsal
from alembic_rehearsal import checks, waivers
from alembic_rehearsal.model import Location, Report, Severity, Verdict
from alembic_rehearsal.report import sarif
from alembic_rehearsal.report._rules import RULES
from alembic_rehearsal.report.look import Look

SOURCES = Path(alembic_rehearsal.__file__).parent


def run(report: Report, look: Look | None = None) -> dict[str, Any]:
    """Return the one run of the rendered *report*, valid by the schema."""
    output = sarif.render(report, look or Look())
    Sarif.model_validate_json(output.encode())
    [found] = json.loads(output)["runs"]
    return dict(found)


def uri(result: dict[str, Any]) -> str:
    """Return where *result* is."""
    return str(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


def test_a_finding_is_a_result_with_its_rule() -> None:
    """Level, message, place and rule are those of the finding."""
    found = run(REPORT)
    [result] = found["results"]

    assert (result["ruleId"], result["level"]) == ("upgrade-failed", "error")
    assert found["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "upgrade-failed"
    assert result["message"]["text"].startswith(FINDING.message)
    assert uri(result) == "migrations/versions/z52.py"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 18}
    assert result["properties"]["sqlstate"] == "42P07"


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        (Severity.ERROR, "error"),
        (Severity.UNPROVED, "error"),
        (Severity.WARNING, "warning"),
        (Severity.NOTE, "note"),
    ],
)
def test_what_withholds_the_verdict_is_an_error(severity: Severity, level: str) -> None:
    """SARIF has three levels, and no verdict is never less than a failure."""
    [result] = run(replace(REPORT, findings=(replace(FINDING, severity=severity),)))["results"][-1:]

    assert result["level"] == level


@pytest.mark.parametrize(
    ("verdict", "successful", "status"),
    [(Verdict.PASS, True, 0), (Verdict.BLOCKED, True, 1), (Verdict.NO_VERDICT, False, 3)],
)
def test_the_invocation_says_how_the_tool_fared(verdict: Verdict, successful: bool, status: int) -> None:
    """Without a verdict the tool did not succeed, and there is a result even without a finding."""
    found = run(replace(REPORT, verdict=verdict, findings=()))

    [invocation] = found["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (successful, status)
    assert bool(found["results"]) == (verdict is not Verdict.PASS)


def test_every_check_is_a_rule() -> None:
    """Every id that stands in the sources as a finding's check is described, and nothing else is."""
    ids = {str(check.ID) for check in checks.CHECKS} | {waivers.EXPIRED, waivers.UNUSED}
    for path in (SOURCES / "compose.py", *SOURCES.glob("checks/*.py")):
        for line in re.findall(r"\bcheck=(.*)", path.read_text()):
            ids |= set(re.findall(r'"([a-z-]+)"', line))

    assert set(RULES) == ids


def test_every_rule_is_in_the_docs() -> None:
    """The table of the checks in docs/usage.md has the same ids."""
    usage = (SOURCES.parent.parent / "docs" / "usage.md").read_text()
    table = usage.partition("## What blocks")[2].partition("\n## ")[0]

    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == set(RULES)


def test_a_fingerprint_stays_when_the_code_moves() -> None:
    """Neither another line, another file, blanks in the SQL nor a number in the message make it another finding."""
    moved = replace(
        FINDING,
        location=Location("a/b.py", 99),
        sql=FINDING.sql.replace("\n", "   \n"),
        message="Something else",
    )

    def marks(*found: Any) -> list[str]:
        results = run(replace(REPORT, findings=found))["results"]
        return [each["partialFingerprints"]["primaryLocationLineHash"] for each in results]

    timed = replace(FINDING, sql="", message="stopped after 600 s")
    assert marks(moved) == marks(FINDING)
    assert marks(timed) == marks(replace(timed, message="stopped after 598 s"))
    different = (
        replace(FINDING, check="other"),
        replace(FINDING, revision="other"),
        replace(FINDING, sqlstate="other"),
        replace(FINDING, sql="other"),
    )
    assert len(set(marks(FINDING, FINDING, *different))) == 6


def test_each_project_of_a_repository_has_a_category_of_its_own() -> None:
    """Without one, the second upload for a commit would take the place of the first."""
    looks = (Look(), Look(prefix="services/api"), Look(prefix="services/api", anchor="billing.ini"))

    assert [run(REPORT, look)["automationDetails"]["id"] for look in looks] == [
        "alembic-rehearsal/./alembic.ini/",
        "alembic-rehearsal/services/api/alembic.ini/",
        "alembic-rehearsal/services/api/billing.ini/",
    ]


def test_a_uri_is_relative_and_percent_encoded() -> None:
    """Blanks, signs and letters outside of ASCII are encoded, a colon in the first segment is no scheme."""
    odd = replace(FINDING, location=Location("c:x/ü b%#?.py", 1))

    assert uri(run(replace(REPORT, findings=(odd,)))["results"][0]) == "c%3Ax/%C3%BC%20b%25%23%3F.py"


@pytest.mark.parametrize("path", ["/usr/lib/python3/site-packages/a.py", "../../a.py"])
def test_a_file_outside_of_the_repository_gives_way_to_the_configuration(path: str) -> None:
    """GitHub drops results that have no place in the repository."""
    odd = replace(FINDING, location=Location(path, 7))

    [result] = run(replace(REPORT, findings=(odd,)), Look(prefix="api"))["results"]

    assert uri(result) == "api/alembic.ini"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


@pytest.mark.parametrize("text", [*SNIPPETS, HUGE])
def test_hostile_text_makes_no_link_and_no_megabytes(text: str) -> None:
    """A message with an embedded link would be one to click on."""
    found = run(filled(text))

    assert len(json.dumps(found)) < 500_000
    assert all("](" not in result["message"]["text"] for result in found["results"])


@settings(deadline=None)
@given(report=reports)
def test_any_report_is_valid(report: Report) -> None:
    """By the schema, in UTF-8."""
    run(report)
