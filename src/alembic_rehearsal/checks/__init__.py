"""One check a file, each a function from the evidence to findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from alembic_rehearsal.checks import (
    applied_revision_edited,
    base_on_populated,
    command_failed,
    depends_on_rows,
    divergence,
    duplicate_foreign_key,
    heads_mismatch,
    invalid_index,
    no_connection,
    not_race_safe,
    not_repeatable,
    not_retryable,
    not_valid_constraint,
    parent_missing,
    privileges,
    ran_out_of_time,
    refused_connection,
    revision_cycle,
    revision_id_too_long,
    revision_slipped_under,
    revision_twice,
    second_run_not_a_no_op,
    several_databases,
    several_heads,
    skipped_silently,
    stamp_unknown,
    survey_stopped,
    swallowed_error,
    upgrade_failed,
    version_rows_overlap,
)
from alembic_rehearsal.model import Evidence, Finding, Severity, Verdict


class Check(Protocol):
    """What a module of this folder has to offer."""

    ID: str

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        """Yield a finding for everything in *evidence* that this check minds."""


CHECKS: tuple[Check, ...] = (
    no_connection,
    ran_out_of_time,
    parent_missing,
    revision_cycle,
    revision_twice,
    several_heads,
    stamp_unknown,
    version_rows_overlap,
    revision_id_too_long,
    upgrade_failed,
    command_failed,
    revision_slipped_under,
    base_on_populated,
    heads_mismatch,
    refused_connection,
    several_databases,
    survey_stopped,
    applied_revision_edited,
    swallowed_error,
    skipped_silently,
    divergence,
    privileges,
    invalid_index,
    duplicate_foreign_key,
    not_valid_constraint,
    not_retryable,
    depends_on_rows,
    second_run_not_a_no_op,
    not_race_safe,
    not_repeatable,
)


def judge(evidence: Evidence) -> tuple[Finding, ...]:
    """Return the findings of all checks, in the order of `CHECKS`.

    What failed because the history began at its base, and it did so only for want of the dump's version row, is no red.
    """
    findings = tuple(finding for check in CHECKS for finding in check.check(evidence))
    if not any(each.check == base_on_populated.ID and each.severity is Severity.UNPROVED for each in findings):
        return findings
    return tuple(
        replace(each, severity=Severity.UNPROVED) if each.severity is Severity.ERROR else each for each in findings
    )


def verdict(findings: tuple[Finding, ...], exit_status: int | None) -> Verdict:
    """Return what *findings* amount to: an error blocks; without one, anything unproved withholds the verdict.

    A command that did not end with status 0 is never a pass, whether a check minds it or not.
    """
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return Verdict.BLOCKED
    if Severity.UNPROVED in severities or exit_status != 0:
        return Verdict.NO_VERDICT
    return Verdict.PASS
