"""Statements that PostgreSQL refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_rehearsal import checks
from alembic_rehearsal.checks import upgrade_failed
from alembic_rehearsal.model import Failure, LogRecord, PgError, Relation, Severity, Verdict
from evidence import EVIDENCE, TRACE, evidence, statement

EXISTS = statement(1, "CREATE TABLE t (id int)", "42P07", 'relation "t" already exists')


def test_names_revision_place_and_state() -> None:
    """One failing statement is one finding with everything that leads to it."""
    present = {"t": (Relation("view", "public.t", "owned by app"),)}

    [finding] = upgrade_failed.check(evidence(replace(TRACE, statements=(EXISTS,)), present=present))

    assert finding.message == 'Revision b failed with SQLSTATE 42P07 (duplicate_table): relation "t" already exists'
    assert finding.location == EXISTS.location
    assert finding.evidence == ("production has view public.t, owned by app",)
    assert finding.sql == "CREATE TABLE t (id int)"
    assert finding.severity is Severity.ERROR


def test_says_when_production_has_no_such_thing() -> None:
    """Then an earlier statement of the run made it: an enum created twice, for instance."""
    [finding] = upgrade_failed.check(evidence(replace(TRACE, statements=(EXISTS,))))

    assert finding.evidence == ('production has nothing called "t": an earlier statement of this run made it',)


def test_a_swallowed_error_is_the_cause_and_not_what_fell_over_it() -> None:
    """25P02 is reported at the statement whose error was caught."""
    aborted = statement(2, "UPDATE alembic_version SET version_num = 'b'", "25P02", "aborted", revision="")

    [finding] = upgrade_failed.check(evidence(replace(TRACE, statements=(EXISTS, aborted))))

    assert finding.sqlstate == "42P07"
    assert "25P02" in finding.evidence[-1]
    assert "Catching" in finding.fix


def test_an_error_that_the_run_survived_is_not_the_cause() -> None:
    """A try in a savepoint is how a revision asks; only the last error ended the run."""
    survived = statement(1, "SELECT 1 FROM t", "42P01", 'relation "t" does not exist')
    fatal = statement(3, "CREATE TABLE u ()", "42P07", 'relation "u" already exists')
    trace = replace(TRACE, statements=(survived, statement(2, "SELECT 1"), fatal))
    survey = replace(trace, statements=(replace(survived, skipped=True), replace(fatal, skipped=True)))

    assert [each.sqlstate for each in upgrade_failed.check(evidence(trace, survey=survey))] == ["42P07"]


def test_folds_what_only_needs_something_that_was_skipped() -> None:
    """An index on a table that could not be made is no failure of its own; another table's is."""
    first = statement(1, "CREATE TABLE t (c missing)", "42704", 'type "missing" does not exist')
    knock_on = statement(2, "CREATE INDEX ix ON t (c)", "42P01", 'relation "t" does not exist', skipped=True)
    further = statement(3, "CREATE VIEW v AS SELECT * FROM ix", "42P01", 'relation "ix" does not exist', skipped=True)
    own = statement(4, "DROP TABLE legacy", "42P01", 'table "legacy" does not exist', skipped=True)
    survey = replace(TRACE, statements=(replace(first, skipped=True), knock_on, further, own))

    found = list(upgrade_failed.check(evidence(replace(TRACE, statements=(first,)), survey=survey)))

    assert [(each.sqlstate, each.conditional_on, len(each.folded)) for each in found] == [
        ("42704", False, 2),
        ("42P01", True, 0),
    ]


def test_an_error_past_sqlalchemy_comes_from_the_servers_log() -> None:
    """A raw cursor is not seen by the probe; the log has the statement and its SQLSTATE."""
    logged = LogRecord("ERROR", "42P07", 'relation "t" already exists', "CREATE TABLE t ()", "app", "app", "", 1)
    failure = Failure("psycopg2.errors.DuplicateTable", "exists", "revision", "b", None, PgError("42P07", "exists"))

    [finding] = upgrade_failed.check(evidence(replace(TRACE, log=(logged,), failures=(failure,))))

    assert (finding.revision, finding.sqlstate, finding.sql) == ("b", "42P07", "CREATE TABLE t ()")


@pytest.mark.parametrize(
    ("sql", "state", "detail", "unproved"),
    [
        ("INSERT INTO grants VALUES (1)", "23503", 'Key (role)=(1) is not present in table "roles".', True),
        ("INSERT INTO grants SELECT (SELECT id FROM roles)", "23502", "Failing row contains (null).", True),
        ("INSERT INTO grants SELECT NULL", "23502", "Failing row contains (null).", False),
        ("ALTER TABLE grants ALTER role SET NOT NULL", "23502", "", False),
    ],
)
def test_rows_that_only_the_dump_lacks_withhold_the_verdict(sql: str, state: str, detail: str, unproved: bool) -> None:
    """Production has the rows of the table, so a red would not be real; the option that settles it is named."""
    failed = statement(1, sql, error=PgError(state, "violates", detail=detail, table="grants"))
    present = {"roles": (Relation("table", "public.roles", ""),), "grants": (Relation("table", "public.grants", ""),)}

    findings = checks.judge(evidence(replace(TRACE, statements=(failed,)), present=present))

    assert (checks.verdict(findings, 1) is Verdict.NO_VERDICT) == unproved
    assert ("--include-data public.roles" in findings[0].fix) == unproved


def test_a_table_that_is_empty_in_production_too_is_no_excuse() -> None:
    """The dump shows that it has no row there."""
    failed = statement(
        1, "INSERT INTO g VALUES (1)", error=PgError("23503", "", detail='not present in table "roles".')
    )
    restored = replace(EVIDENCE.restored, known_empty=frozenset({"public.roles"}))
    present = {"roles": (Relation("table", "public.roles", ""),)}

    [finding] = upgrade_failed.check(evidence(replace(TRACE, statements=(failed,)), present=present, restored=restored))

    assert finding.severity is Severity.ERROR
