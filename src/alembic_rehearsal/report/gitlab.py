"""The report as GitLab's code quality JSON, https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""

from __future__ import annotations

import json
from typing import Any

from alembic_rehearsal.model import Finding, Report, Severity
from alembic_rehearsal.report import _body, _place, _words
from alembic_rehearsal.report._clean import one_line
from alembic_rehearsal.report._fingerprint import fingerprints
from alembic_rehearsal.report.look import Look

_SEVERITY = {
    Severity.ERROR: "blocker",
    Severity.UNPROVED: "critical",
    Severity.WARNING: "minor",
    Severity.NOTE: "info",
}
_MOST_DESCRIPTION = 2000


def render(report: Report, look: Look) -> str:
    """Return a JSON array with one object a finding; a pass without findings is an empty one."""
    found = _words.findings(report)
    entries = [_entry(finding, mark, look) for finding, mark in zip(found, fingerprints(found), strict=True)]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _entry(finding: Finding, fingerprint: str, look: Look) -> dict[str, Any]:
    path, line = _place.or_anchor(finding.location, look)
    return {
        "description": one_line(_body.body(finding), _MOST_DESCRIPTION),
        "check_name": finding.check,
        "fingerprint": fingerprint,
        "severity": _SEVERITY[finding.severity],
        "location": {"path": path, "lines": {"begin": line}},
    }
