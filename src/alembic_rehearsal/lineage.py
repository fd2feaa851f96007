"""Who builds on whom among the revisions, and what became of each in a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alembic_rehearsal.model import Revision, Step, Trace


def graph(trace: Trace) -> dict[str, Revision]:
    """Return the revisions of all contexts of *trace*, by their ids."""
    return {revision.revision: revision for context in trace.contexts for revision in context.revisions}


def ancestors(revisions: Iterable[str], known: Mapping[str, Revision]) -> set[str]:
    """Return *revisions* and everything that they build on."""
    found: set[str] = set()
    waiting = list(revisions)
    while waiting:
        revision = waiting.pop()
        if revision in found:
            continue
        found.add(revision)
        if revision in known:
            waiting.extend(known[revision].down_revisions)
    return found


def failed(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return the revisions whose last try did not go through; a retry that did makes up for it."""
    last = {step.revision: step.outcome for step in steps}
    return tuple(revision for revision, outcome in last.items() if outcome != "applied")
