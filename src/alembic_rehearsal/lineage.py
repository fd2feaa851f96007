"""Who builds on whom among the revisions, and what became of each in a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from alembic_rehearsal.model import Revision, Step, Trace


def graph(trace: Trace) -> dict[str, Revision]:
    """Return the revisions of all contexts of *trace*, by their ids."""
    return {revision.revision: revision for context in trace.contexts for revision in context.revisions}


def ancestors(revisions: Iterable[str], known: Mapping[str, Revision]) -> set[str]:
    """Return *revisions* and everything that they build on."""
    return closure(revisions, lambda each: known[each].down_revisions if each in known else ())


def closure(revisions: Iterable[str], parents: Callable[[str], Iterable[str]]) -> set[str]:
    """Return *revisions* and everything that they build on, *parents* being what a revision builds on itself."""
    found: set[str] = set()
    waiting = list(revisions)
    while waiting:
        revision = waiting.pop()
        if revision not in found:
            found.add(revision)
            waiting.extend(parents(revision))
    return found


def failed(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return the revisions whose last try did not go through; a retry that did makes up for it."""
    last = {step.revision: step.outcome for step in steps}
    return tuple(revision for revision, outcome in last.items() if outcome != "applied")
