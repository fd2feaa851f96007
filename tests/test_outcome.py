"""What production would be left with."""

from __future__ import annotations

from dataclasses import replace

from alembic_rehearsal import outcome
from alembic_rehearsal.model import Evidence, Readback, Step, Trace, VersionTable
from evidence import TABLE, TRACE
from evidence import evidence as made


def table(*rows: str) -> VersionTable:
    return replace(TABLE, rows=rows)


def evidence(
    trace: Trace, after: VersionTable, *, committed: tuple[str, ...] = (), unfinished: tuple[str, ...] = ()
) -> Evidence:
    return made(trace, readback=Readback(True, (after,), committed, unfinished))


def step(revision: str, state: str) -> Step:
    return Step(revision, (), None, state, 5.0)


def test_one_transaction_undoes_the_revisions_before_the_failure() -> None:
    """With the stock env.py, a failure in the third revision undoes the second, and the report says so."""
    failed = replace(TRACE, steps=(step("b", "applied"), step("c", "failed")))

    found = evidence(failed, table("a"))

    assert [(line.revision, line.outcome) for line in outcome.revision_lines(found)] == [
        ("b", "rolled back"),
        ("c", "failed"),
    ]
    assert "b ran and would be rolled back" in " ".join(outcome.state_left(found))


def test_a_transaction_for_each_revision_keeps_those_before_the_failure() -> None:
    """The version table says which revisions stand."""
    failed = replace(TRACE, steps=(step("b", "applied"), step("c", "failed")))

    found = evidence(failed, table("b"), committed=("table public.t",))

    assert [line.outcome for line in outcome.revision_lines(found)] == ["applied", "failed"]
    assert outcome.state_left(found)[0] == "Production would be left at b, on the way from a."


def test_what_was_committed_after_the_last_version_row_is_half_done() -> None:
    """It is named, because the next try meets it."""
    failed = replace(TRACE, steps=(step("b", "failed"),))

    found = evidence(failed, table("a"), committed=("column public.t.c",), unfinished=("column public.t.c",))

    assert [line.outcome for line in outcome.revision_lines(found)] == ["half-applied", "not reached"]
    assert "  column public.t.c" in outcome.state_left(found)


def test_revisions_that_were_not_reached_follow_in_their_order() -> None:
    """A run that failed before the first revision lists all that were pending."""
    found = evidence(TRACE, table("a"))

    assert [(line.revision, line.message) for line in outcome.revision_lines(found)] == [
        ("b", "second"),
        ("c", "third"),
    ]


def test_nothing_pending_is_said() -> None:
    """A pass with nothing done is not mistaken for one that tested something."""
    at_head = replace(TRACE.contexts[0], heads=("a",))
    found = evidence(replace(TRACE, exit_status=0, contexts=(at_head,)), table("a"))

    assert outcome.state_left(found) == ("Nothing was pending: production is at a and stays there.",)


def test_a_pass_says_from_where_to_where() -> None:
    """The two revisions are the first thing that a reader wants."""
    done = replace(TRACE, exit_status=0, steps=(step("b", "applied"), step("c", "applied")))

    found = evidence(done, table("c"), committed=("table public.t",))

    assert outcome.state_left(found) == ("Production would go from a to c.",)
