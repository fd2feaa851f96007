"""Whether a database that was upgraded with a remedy is what the revisions make of an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alembic_rehearsal import readback
from alembic_rehearsal.catalog import ABOUT, Facts, FactsDiff, Key, Lone, difference, sentences
from alembic_rehearsal.history import History
from alembic_rehearsal.model import Endpoint, Evidence, Trace
from alembic_rehearsal.remedies._problem import Problem

_MOST = 4
# What production alone has and an application's rows may meet.
_REFUSING = frozenset({"unique constraint", "check constraint", "foreign key", "exclusion constraint", "trigger"})


@dataclass(frozen=True, slots=True)
class Judged:
    """What is to be said of the schema after a remedy.

    Attributes:
        fault: the first difference that is the remedy's, "" if there is none.
        notes: what else is different.
    """

    fault: str
    notes: tuple[str, ...] = ()


def heads(evidence: Evidence, trace: Trace, admin: Endpoint) -> str:
    """Return what is wrong with the version rows, as a new connection sees them, "" if nothing is."""
    tables = readback.version_tables_of(admin)
    for context in trace.contexts:
        wanted = set(context.heads)
        if evidence.options.target not in ("head", "heads"):
            continue
        rows = [set(table.rows) for table in tables if table.name == context.version_table]
        if wanted not in rows:
            found = ", ".join(sorted(set().union(*rows))) or "no revision"
            return f"{context.version_table} is at {found} afterwards, not at {', '.join(sorted(wanted))}"
    return ""


def schema(problem: Problem, history: History, after: Facts) -> Judged:
    """Judge the facts *after* the upgrade against those of the end of *history*, which is complete.

    What the pending revisions make, change or drop has to be equal. What production had before, and no pending
    revision touches, is not the remedy's fault.
    """
    wanted = history.end()
    tables = _version_tables(problem.evidence)
    diff = difference(after.without(kinds=ABOUT, tables=tables), wanted.without(kinds=ABOUT, tables=tables))
    touched = _touched(problem, history)
    faults = [*_faults(diff, touched, problem.production)]
    if faults:
        return Judged(faults[0], _owners(problem, touched, after, wanted))
    return Judged(
        "", (*_extra(diff, problem.production, wanted), *_renamed(diff), *_owners(problem, touched, after, wanted))
    )


def _touched(problem: Problem, history: History) -> frozenset[Key]:
    """Return everything that the pending revisions make, change or drop."""
    changes = [change for change in history.changes if change.revision not in problem.applied]
    return frozenset(key for change in changes for key in (*change.changed, *change.gone))


def _version_tables(evidence: Evidence) -> frozenset[str]:
    """Return the version tables, which are no part of what revisions make."""
    named = {(context.version_table_schema or "public", context.version_table) for context in evidence.trace.contexts}
    found = {(table.schema, table.name) for table in evidence.restored.version_tables}
    return frozenset(f"{schema}.{name}" for schema, name in named | found)


def _faults(diff: FactsDiff, touched: frozenset[Key], production: Facts) -> Iterator[str]:
    def ours(lone: Lone) -> bool:
        return lone.key in touched or any(key in touched for key in lone.folded)

    kept = FactsDiff(
        missing=tuple(lone for lone in diff.missing if ours(lone)),
        extra=tuple(lone for lone in diff.extra if lone.key in touched or lone.key not in production),
        changed=tuple(
            change
            for change in diff.changed
            if change.key in touched and not _only_more_labels(change.before, change.after)
        ),
    )
    yield from (f"afterwards {line}" for line in sentences(kept, before="is there", after="in the history"))
    for lone in diff.extra:
        if lone.key.kind == "column" and _demands(lone) and _table_of(lone.key) in touched:
            yield f"{lone.key}, which only production has, is NOT NULL without a default: the application's rows fail"


def _demands(lone: Lone) -> bool:
    definition = lone.definition
    free = {"default", "identity", "generated"} & set(definition)
    return definition.get("nullable") is False and not free


def _table_of(column: Key) -> Key:
    return Key("table", column.identity.rpartition(".")[0])


def _only_more_labels(before: object, after: object) -> bool:
    """Say whether an enum has all wanted labels in their order, and others between them."""
    if not isinstance(before, tuple) or not isinstance(after, tuple):
        return False
    return tuple(label for label in before if label in after) == after


def _extra(diff: FactsDiff, production: Facts, wanted: Facts) -> Iterator[str]:
    """Yield what production has and no revision makes, as far as it belongs to a table of the history."""
    found = [
        lone.key
        for lone in diff.extra
        if lone.key in production and production.parents.get(lone.key) in _tables(wanted)
    ]
    if found:
        more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
        yield f"production has more than the revisions make, and keeps it: {', '.join(map(str, found[:_MOST]))}{more}"
    for key in found:
        if key.kind in _REFUSING:
            yield f"{key} may refuse rows that the application writes"


def _tables(facts: Facts) -> set[Key]:
    return {key for key in facts.definitions if key.kind == "table"}


def _renamed(diff: FactsDiff) -> Iterator[str]:
    lines = sentences(FactsDiff(renamed=diff.renamed), before="in production", after="in the revisions")
    yield from (f"{line}: a later revision that drops it by name will not find it" for line in lines[:_MOST])


def _owners(problem: Problem, touched: frozenset[Key], after: Facts, wanted: Facts) -> tuple[str, ...]:
    """Return what is different in owners, of what the pending revisions make."""
    keys = [
        key
        for key in touched
        if key.kind == "owner" and not key.identity.startswith("schema ") and key in after and key in wanted
    ]
    role = problem.evidence.migrator.role
    found = sorted({str(after.definitions[key].get("owner")) for key in keys} - {role})
    return (f"a part of it belongs to {', '.join(found)}, not to {role}",) if found else ()
