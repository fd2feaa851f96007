"""The report as SARIF 2.1.0, as GitHub's code scanning takes it.

Sources: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html,
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import json
from typing import Any

from alembic_rehearsal import __version__
from alembic_rehearsal.model import Finding, Report, Severity, Verdict
from alembic_rehearsal.report import _body, _place, _rules, _words
from alembic_rehearsal.report._clean import cleaned, one_line
from alembic_rehearsal.report._fingerprint import fingerprints
from alembic_rehearsal.report.look import Look

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {
    Severity.ERROR: "error",
    Severity.UNPROVED: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "note",
}
_MOST_SQL, _MOST_ID = 2000, 200


def render(report: Report, look: Look) -> str:
    """Return one run with a result for each finding."""
    found = _words.findings(report)
    ids = [*_rules.RULES, *sorted({each.check for each in found} - set(_rules.RULES))]
    results = [
        _result(finding, ids.index(finding.check), mark, look)
        for finding, mark in zip(found, fingerprints(found), strict=True)
    ]
    run = {
        "tool": {
            "driver": {
                "name": "alembic-rehearsal",
                "version": __version__,
                "rules": [_rule(check) for check in ids],
            }
        },
        "automationDetails": {"id": _category(look)},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _category(look: Look) -> str:
    """Return what tells one project's results of a commit from another's; GitHub goes by what is before the last "/".

    Source: https://docs.github.com/en/code-security/code-scanning, runAutomationDetails object
    """
    parts = ("alembic-rehearsal", look.prefix or ".", look.anchor)
    return "".join(f"{one_line(part, _MOST_ID)}/" for part in parts)


def _invocation(report: Report) -> dict[str, Any]:
    """Return how the tool itself fared: a blocked upgrade is a success of the tool's."""
    return {
        "executionSuccessful": report.verdict is not Verdict.NO_VERDICT,
        "exitCode": report.verdict.exit_status,
        "exitCodeDescription": report.verdict.value,
    }


def _rule(check: str) -> dict[str, Any]:
    rule = _rules.of(check)
    return {
        "id": check,
        "shortDescription": {"text": rule.short},
        "fullDescription": {"text": rule.full},
        "help": {"text": rule.help},
    }


def _result(finding: Finding, rule_index: int, fingerprint: str, look: Look) -> dict[str, Any]:
    path, line = _place.or_anchor(finding.location, look)
    properties = {
        "revision": one_line(finding.revision, _MOST_ID),
        "sqlstate": one_line(finding.sqlstate, _MOST_ID),
        "sql": cleaned(finding.sql, _MOST_SQL),
        "severity": finding.severity.value,
        "conditional": finding.conditional_on,
    }
    result = {
        "ruleId": finding.check,
        "ruleIndex": rule_index,
        "level": _LEVEL[finding.severity],
        "message": {"text": _unlinked(_body.body(finding))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _place.uri(path), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": line},
                }
            }
        ],
        # The second name is the one that GitHub goes by; it computes it from the line's text if it isn't given.
        "partialFingerprints": {
            "alembicRehearsalFinding/v1": fingerprint,
            "primaryLocationLineHash": f"{fingerprint[:16]}:1",
        },
        "properties": {name: value for name, value in properties.items() if value != ""},
    }
    if finding.waived is not None:
        # Section 3.35: "external" is what is kept elsewhere than in the code.
        reason = cleaned(f"{finding.waived.reason} (until {finding.waived.until})", _MOST_SQL)
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": reason}]
    return result


def _unlinked(text: str) -> str:
    """Return *text* without embedded links, "[words](target)", section 3.11.6."""
    return text.replace("](", "] (")
