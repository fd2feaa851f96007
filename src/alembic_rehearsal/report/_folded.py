"""Warnings that an ordinary project has too, in fewer words, for the reports that somebody reads from top to bottom."""

from __future__ import annotations

from dataclasses import replace

from alembic_rehearsal.model import Finding, Severity

_MOST = 5
_MILD = (Severity.WARNING, Severity.NOTE)
_LOCK = "One upgrade at a time: an advisory lock in env.py, ready to paste with\n    --idempotence race-safe"


def folded(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return *findings* with the revisions that can't be run twice as one, and a race's recipe as a hint.

    What blocks stays as it is.
    """
    twice = [each for each in findings if each.check == "not-repeatable" and each.severity in _MILD]
    kept: list[Finding] = []
    for each in findings:
        if each in twice:
            if each is twice[0]:
                kept.append(_together(twice))
        elif each.check == "not-race-safe" and each.severity in _MILD:
            kept.append(replace(each, fix=_LOCK, sql=""))
        else:
            kept.append(each)
    return tuple(kept)


def _together(several: list[Finding]) -> Finding:
    first = several[0]
    if len(several) == 1:
        more = len(first.evidence) - _MOST
        lines = first.evidence[:_MOST] + ((f"and {more} more",) if more > 0 else ())
        return replace(first, evidence=lines)
    lines = tuple(_line(each) for each in several[:_MOST])
    if len(several) > _MOST:
        lines = (*lines, f"and {len(several) - _MOST} more revisions")
    return replace(
        first, message=f"{len(several)} of the pending revisions can't be run twice", evidence=lines, revision=""
    )


def _line(finding: Finding) -> str:
    more = f" (and {len(finding.evidence) - 1} more)" if len(finding.evidence) > 1 else ""
    return f"{finding.revision}: {finding.evidence[0] if finding.evidence else finding.message}{more}"
