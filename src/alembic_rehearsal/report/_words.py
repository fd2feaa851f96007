"""What every reporter says in the same words."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from alembic_rehearsal import project
from alembic_rehearsal.model import Finding, Location, Report, Severity, Verdict

_GUARDS: dict[tuple[str, ...], str] = {("tcp",): "on for TCP only", ("unix",): "on for Unix sockets only"}
# The checks that say why the command itself would not have ended with status 0.
_FAILURES = frozenset(
    {
        "upgrade-failed",
        "command-failed",
        "parent-missing",
        "revision-cycle",
        "revision-twice",
        "several-heads",
        "stamp-unknown",
        "version-rows-overlap",
        "revision-id-too-long",
    }
)
_BLOCKING = (Severity.ERROR, Severity.UNPROVED)


def verdict(report: Report) -> str:
    """Return the verdict as one line, with the exit status."""
    status = report.verdict.exit_status
    # What the project's settings made an error is no failure of production's.
    errors = sum(finding.severity is Severity.ERROR and not finding.weighed for finding in report.findings)
    if report.verdict is Verdict.PASS:
        done = sum(line.outcome == "applied" for line in report.revisions)
        what = f"{done} revision{'s' * (done != 1)} applied" if done else "nothing is pending"
        return f"PASS: {what} (exit {status})"
    if report.verdict is Verdict.BLOCKED and not errors:
        for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE):
            if count := sum(finding.severity is severity for finding in report.findings):
                return f"BLOCKED: {count} {severity.value}{'s' * (count != 1)}, which block here (exit {status})"
    if report.verdict is Verdict.BLOCKED:
        return f"BLOCKED: {_count(report.findings)} (exit {status})"
    return f"NO VERDICT: the rehearsal proves nothing (exit {status})"


def _count(findings: tuple[Finding, ...]) -> str:
    """Count the errors: an upgrade that ends with status 0 is no failure of production's, whatever it leaves there."""
    errors = [each.check for each in findings if each.severity is Severity.ERROR and not each.weighed]
    failures = sum(check in _FAILURES for check in errors)
    others = len(errors) - failures
    if not failures:
        return f"{others} error{'s' * (others != 1)} that an upgrade alone doesn't show"
    more = f", {others} more error{'s' * (others != 1)}" if others else ""
    return f"{failures} failure{'s' * (failures != 1)} that production would have had{more}"


def facts(report: Report) -> Iterator[tuple[str, str]]:
    """Yield label and value of what was rehearsed, as whom, and on what."""
    if report.dump is not None:
        taken = datetime.datetime.fromtimestamp(report.dump.modified_at, datetime.timezone.utc)
        version = report.dump.server_version or "of a version that the dump doesn't say"
        yield "production", f"PostgreSQL {version}, at {', '.join(report.from_revisions) or 'no revision'}"
        # The time of any other file is that of the checkout, which would be taken for the dump's.
        yield "dump", f"{report.dump.path}, {taken:%Y-%m-%d %H:%M} UTC" if report.dump.dated else report.dump.path
    if report.command:
        yield "rehearsed", project.readable(report.command)
    if report.image:
        yield "in", f"the image {report.image}"
    if report.migrator is not None:
        yield "as", f"{report.migrator.role} ({report.migrator.why})"
    if report.server is not None:
        version = report.server.version or str(report.server.major)
        guard = f"kernel guard {'on' if report.kernel_guard else _GUARDS.get(report.kernel_guards, 'off')}"
        if report.image:
            guard = "and no network but this server's"
        yield "on", f"PostgreSQL {version} ({report.server.provider}), {guard}"


def place(location: Location) -> str:
    """Return file, line and function as one would say them."""
    line = f":{location.line}" if location.line else ""
    function = f" in {location.function}()" if location.function.isidentifier() else ""
    return f"{location.path}{line}{function}"


def fixes(finding: Finding) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield label, code and notes of what mends *finding*: of a remedy that passed its diff, of the others a line."""
    for remedy in finding.remedies:
        trial = remedy.trial
        if trial.outcome == "passed":
            label = f"Fix (tried: passes on {' and on '.join(trial.on)}): {remedy.text}"
            yield label, remedy.command or remedy.diff, remedy.notes
        else:
            yield f"{remedy.kind} {trial.outcome}: {trial.reason}", "", ()
    if finding.fix:
        yield fix_label(finding), finding.fix, ()


def fix_label(finding: Finding) -> str:
    """Return what stands before the fix: one for a server's error was not tried."""
    return "Fix (not tried):" if finding.sqlstate else "Fix:"


def entailed(finding: Finding) -> str:
    """Return what stands before the lines that are folded into *finding*."""
    return "Elsewhere too" if finding.check == "not-retryable" else "What needs it fails with it"


def why(finding: Finding) -> tuple[str, ...]:
    """Return the cause with its evidence, and what is there against what is wanted; () where no cause is known."""
    if finding.cause is None:
        return ()
    return (f"Why: {finding.cause.message}", *finding.cause.evidence, *finding.cause.comparison)


def findings(report: Report) -> tuple[Finding, ...]:
    """Return the findings, and one for the verdict if none of them accounts for it.

    A list of findings that is empty reads as a pass to whatever reads nothing else.
    """
    if report.verdict is Verdict.PASS or any(each.severity in _BLOCKING for each in report.findings):
        return report.findings
    severity = Severity.ERROR if report.verdict is Verdict.BLOCKED else Severity.UNPROVED
    return (Finding(check="no-verdict", severity=severity, message=verdict(report)), *report.findings)
