"""What a project decides about findings: what those weigh that don't make the verdict, and which of them block.

A failure of the command's and what withholds the verdict are the verdict: no setting changes or hides them.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from alembic_rehearsal.errors import UsageError
from alembic_rehearsal.model import Finding, Severity, Verdict

# What `--severity CHECK=` takes; None drops the finding.
LEVELS: Mapping[str, Severity | None] = {
    "off": None,
    "note": Severity.NOTE,
    "warning": Severity.WARNING,
    "error": Severity.ERROR,
}
# What `--fail-on` takes, and what blocks then besides errors.
FAIL_ON: Mapping[str, frozenset[Severity]] = {
    "error": frozenset(),
    "warning": frozenset({Severity.WARNING}),
    "note": frozenset({Severity.WARNING, Severity.NOTE}),
}
# Checks whose findings are the verdict itself: what the command failed with, what it left undone, and what keeps the
# rehearsal from proving anything.
FIXED = frozenset(
    {
        "upgrade-failed",
        "command-failed",
        "heads-mismatch",
        "base-on-populated",
        "rows-missing",
        "role-missing",
        "database-name-unknown",
        "collation-missing",
        "project-did-not-start",
        "no-connection",
        "outside-connection",
        "revision-twice",
        "several-heads",
        "revision-cycle",
        "parent-missing",
        "stamp-unknown",
        "version-rows-overlap",
        "revision-id-too-long",
        "ran-out-of-time",
        "no-verdict",
    }
)


def check_settings(severity: Sequence[str], fail_on: str, known: Collection[str]) -> None:
    """Say whether the settings can be followed; *known* are the ids of all checks.

    Raises:
        UsageError: a check or a level is unknown, a check is set twice, or its findings are the verdict itself.
    """
    if fail_on not in FAIL_ON:
        raise UsageError(f"--fail-on {fail_on}: known are {', '.join(FAIL_ON)}")
    for number, entry in enumerate(severity):
        check, _, level = entry.partition("=")
        if check not in known:
            near = difflib.get_close_matches(check, known, n=1, cutoff=0.5)
            adjustable = ", ".join(sorted(set(known) - FIXED))
            hint = f"Did you mean {near[0]}={level or 'off'}?" if near else f"These can be set: {adjustable}."
            raise UsageError(f"--severity {entry}: there is no check {check!r}", fix=hint)
        if level not in LEVELS:
            raise UsageError(f"--severity {entry}: the levels are {', '.join(LEVELS)}", fix=f"--severity {check}=off")
        if check in FIXED:
            raise UsageError(
                f"--severity {entry}: what {check} finds is the verdict itself and can't be changed",
                fix="Fix what it finds. A deploy that goes on all the same doesn't need the rehearsal's exit status.",
            )
        if any(other.partition("=")[0] == check for other in severity[:number]):
            raise UsageError(f"--severity {check} is given twice")


def weighed(findings: tuple[Finding, ...], severity: Sequence[str]) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return the findings as the project wants them weighed, and a note for each check that this changed."""
    wanted = {check: LEVELS[level] for check, _, level in (entry.partition("=") for entry in severity)}
    kept: list[Finding] = []
    changed: dict[str, list[str]] = {}
    for finding in findings:
        level = wanted.get(finding.check, finding.severity)
        # The same check may withhold the verdict, as a refused connection does under a command that failed.
        if level is finding.severity or finding.severity is Severity.UNPROVED or finding.check in FIXED:
            kept.append(finding)
            continue
        changed.setdefault(finding.check, []).append(finding.severity.value)
        if level is not None:
            kept.append(replace(finding, severity=level, weighed=finding.severity.value))
    return tuple(kept), tuple(_changed(check, wanted[check], old) for check, old in changed.items())


def _changed(check: str, level: Severity | None, old: Sequence[str]) -> str:
    count = f"{len(old)} finding{'s' * (len(old) != 1)}"
    if level is None:
        return f"--severity {check}=off left out {count}"
    return f"--severity {check}={level.value} weighs {count} anew, {', '.join(dict.fromkeys(old))} before"


def verdict(proved: Verdict, findings: tuple[Finding, ...], fail_on: str) -> Verdict:
    """Return the verdict: a pass is blocked by what the project wants it to be blocked by, and nothing is forgiven."""
    if proved is Verdict.PASS and any(finding.severity in FAIL_ON[fail_on] for finding in findings):
        return Verdict.BLOCKED
    return proved
