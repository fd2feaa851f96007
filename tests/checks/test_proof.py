"""No pass without proof: each thing that a pass needs, taken away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_rehearsal import checks
from alembic_rehearsal.model import Connection, Evidence, Failure, Location, Readback, Step, Verdict
from evidence import CONTEXT, EVIDENCE, TABLE, TRACE, evidence

RUN = (Step("b", ("a",), None, "applied", 1.0), Step("c", ("b",), None, "applied", 1.0))
DONE = replace(TRACE, exit_status=0, believed=(("c",),), steps=RUN)
AT_HEAD = Readback(True, (replace(TABLE, rows=("c",)),), (), ())
PROVED = evidence(DONE, readback=AT_HEAD)


def judged(found: Evidence) -> tuple[Verdict, list[str]]:
    findings = checks.judge(found)
    return checks.verdict(findings, found.trace.exit_status), [finding.check for finding in findings]


def test_with_everything_proved_it_is_a_pass() -> None:
    """The base case of the others."""
    assert judged(PROVED) == (Verdict.PASS, [])


@pytest.mark.parametrize(
    ("found", "verdict", "check"),
    [
        (replace(PROVED, trace=replace(DONE, probe_loaded=False)), Verdict.NO_VERDICT, "no-connection"),
        (replace(PROVED, trace=replace(DONE, probe_faults=("broken",))), Verdict.NO_VERDICT, "no-connection"),
        (replace(PROVED, trace=replace(DONE, connections=())), Verdict.NO_VERDICT, "no-connection"),
        (replace(PROVED, trace=replace(DONE, contexts=()), tables=()), Verdict.NO_VERDICT, "no-connection"),
        (replace(PROVED, readback=replace(AT_HEAD, fingerprint_found=False)), Verdict.NO_VERDICT, "no-connection"),
        (replace(PROVED, readback=replace(AT_HEAD, fingerprint_seen=False)), Verdict.NO_VERDICT, "no-connection"),
        (replace(PROVED, readback=EVIDENCE.readback), Verdict.BLOCKED, "heads-mismatch"),
        (replace(PROVED, readback=replace(AT_HEAD, version_tables=())), Verdict.BLOCKED, "heads-mismatch"),
        (
            replace(PROVED, trace=replace(DONE, contexts=(replace(CONTEXT, as_sql=True),))),
            Verdict.NO_VERDICT,
            "heads-mismatch",
        ),
        (replace(PROVED, trace=replace(DONE, exit_status=None)), Verdict.NO_VERDICT, "ran-out-of-time"),
        (replace(PROVED, trace=replace(DONE, exit_status=-9)), Verdict.BLOCKED, "command-failed"),
    ],
)
def test_what_is_missing_is_never_a_pass(found: Evidence, verdict: Verdict, check: str) -> None:
    """Each of them alone is enough, and the check that minds says so."""
    assert judged(found) == (verdict, [check])


def test_the_base_revision_on_a_migrated_production_blocks() -> None:
    """A version table that was looked for in the wrong schema runs the whole history beside the real tables."""
    steps = (Step("a", (), None, "applied", 1.0), *RUN)
    beside = replace(TABLE, schema="elsewhere", rows=("c",))
    back = Readback(True, (TABLE, beside), (), ())
    found = replace(PROVED, trace=replace(DONE, steps=steps), tables=(None,), readback=back)

    assert judged(found) == (Verdict.BLOCKED, ["base-on-populated"])


def test_a_stamp_without_a_run_blocks() -> None:
    """The rows are at the head, and the revisions between were never run: `alembic stamp head`, or env.py's own."""
    assert judged(replace(PROVED, trace=replace(DONE, steps=()))) == (Verdict.BLOCKED, ["heads-mismatch"])


def test_a_retry_that_went_through_is_a_pass() -> None:
    """The last try of a revision counts."""
    retried = (Step("b", ("a",), None, "failed", 1.0), *RUN)

    assert judged(replace(PROVED, trace=replace(DONE, steps=retried))) == (Verdict.PASS, [])


def test_a_program_that_never_asks_for_the_heads_is_no_verdict() -> None:
    """`--command "alembic current"` is the wrong command; a program that asked and fell short is blocked."""
    program = replace(EVIDENCE.options, command="app migrate")
    idle = replace(PROVED, options=program, trace=replace(DONE, steps=()), readback=EVIDENCE.readback)
    asking = replace(idle, trace=replace(idle.trace, contexts=(replace(CONTEXT, destination=("head",)),)))

    assert judged(idle) == (Verdict.NO_VERDICT, ["heads-mismatch"])
    assert judged(asking) == (Verdict.BLOCKED, ["heads-mismatch"])


def test_several_runs_on_several_databases_are_no_verdict() -> None:
    """Both were led to the one database that was restored; with one run it is a warning."""
    places = tuple(Connection(f"app@db:5432/{name}", "sqlalchemy", "redirected") for name in ("users", "events"))
    one = replace(PROVED, trace=replace(DONE, connections=places))
    two = replace(one, trace=replace(one.trace, contexts=(CONTEXT, CONTEXT)), tables=(TABLE, TABLE))

    assert judged(one) == (Verdict.PASS, ["several-databases"])
    assert judged(two) == (Verdict.NO_VERDICT, ["several-databases"])


def test_another_applications_version_table_is_no_reason_to_block() -> None:
    """A first deploy into a shared database begins at its base, as it should."""
    other = replace(TABLE, name="alembic_version_other", rows=("x",))
    found = replace(
        PROVED,
        trace=replace(DONE, steps=(Step("a", (), None, "applied", 1.0), *RUN)),
        restored=replace(EVIDENCE.restored, version_tables=(other,)),
        tables=(None,),
        readback=Readback(True, (other, replace(TABLE, rows=("c",))), (), ()),
    )

    assert judged(found) == (Verdict.PASS, [])


def test_a_refused_connection_alone_is_a_warning() -> None:
    """The command went on without it, so it is told and doesn't block; a failing command is not judged on it."""
    refused = Connection("redis:6379", "socket", "refused", reason="port not allowed")
    trace = replace(DONE, connections=(*DONE.connections, refused))

    assert judged(replace(PROVED, trace=trace)) == (Verdict.PASS, ["refused-connection"])


@pytest.mark.parametrize(
    ("failure", "verdict", "check"),
    [
        (Failure("alembic.util.exc.CommandError", "Can't locate revision", "graph"), Verdict.BLOCKED, "command-failed"),
        (Failure("builtins.KeyError", "x", "revision", "b", Location("b.py", 3)), Verdict.BLOCKED, "command-failed"),
        (Failure("builtins.ModuleNotFoundError", "No module", "env"), Verdict.NO_VERDICT, "project-did-not-start"),
    ],
)
def test_a_failure_without_an_sqlstate_is_told_in_its_own_words(failure: Failure, verdict: Verdict, check: str) -> None:
    """Alembic's errors block; a project that can't be imported here proves nothing."""
    contexts = () if failure.phase == "env" else TRACE.contexts
    trace = replace(TRACE, failures=(failure,), contexts=contexts)
    found = evidence(trace, tables=(TABLE,) if contexts else ())

    assert judged(found) == (verdict, [check])
    assert failure.text in checks.judge(found)[0].message
