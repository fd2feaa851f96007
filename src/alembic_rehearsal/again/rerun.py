"""Each pending revision once more on the schema that they made together: a no-op, where every operation is guarded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from alembic_rehearsal import catalog, grades, readback
from alembic_rehearsal.again import rows
from alembic_rehearsal.again.ground import Ground
from alembic_rehearsal.again.records import Operation, Repeated, Rerun
from alembic_rehearsal.catalog import FACTS_SQL, Facts
from alembic_rehearsal.history import History
from alembic_rehearsal.history.records import changes_of
from alembic_rehearsal.lab import FINISHED
from alembic_rehearsal.model import Options, Statement, Step, Trace

_MOST = 6


def run(start: Ground) -> Rerun:
    """Run the revisions again on a copy of the finished database, going on past what fails.

    Raises:
        RehearsalError: the server refuses.
        psycopg2.Error: the version rows can't be put back.
    """
    with begun(start, FINISHED, start.lab.name("rerun")) as rest:
        return rest()


@contextmanager
def begun(start: Ground, source: str, name: str) -> Iterator[Callable[[], Rerun]]:
    """Begin the run *name*, and hand out what waits for its end; *source* is where the finished database stands.

    Raises:
        RehearsalError, psycopg2.Error: as `run`, and so does what is handed out.
    """
    lab = start.lab
    with start.lab.step("run again"):
        lab.fresh(name, source)
        rows.put_back(lab.admin, start.tables, lab.restored.version_tables)
        before = rows.sums(lab.admin, start.tables)
        with lab.start(name, mode="survey", facts=FACTS_SQL) as running:
            rest = lab.released(running, start.limit_s)
            yield lambda: _found(start, rest(), before)


def _found(start: Ground, trace: Trace, before: Mapping[str, str]) -> Rerun:
    after = rows.sums(start.lab.admin, readback.version_tables_of(start.lab.admin))
    written = {table for table in {*before, *after} if before.get(table) != after.get(table)}
    changes = _changes(start.finished, trace)
    each = tuple(_repeated(step, trace, changes, written) for step in trace.steps)
    return Rerun(
        tried=tuple(step.revision for step in trace.steps),
        repeated=tuple(one for one in each if one.operations or one.changes or one.stopped),
        flags=trace.flags,
    )


def _repeated(step: Step, trace: Trace, changes: Mapping[str, tuple[str, ...]], written: set[str]) -> Repeated:
    sent = [each for each in trace.statements if each.revision == step.revision]
    stopped = next((each for each in trace.failures if each.revision == step.revision), None)
    said = ""
    if stopped is not None:
        error = stopped.error
        said = f"SQLSTATE {error.sqlstate}: {error.message}" if error else f"{stopped.type}: {stopped.text}"
    return Repeated(
        revision=step.revision,
        location=step.location,
        count=len(sent),
        operations=tuple(_operations(sent, written)),
        changes=changes.get(step.revision, ()),
        stopped=said.split("\n", 1)[0],
    )


def _operations(sent: list[Statement], written: set[str]) -> Iterator[Operation]:
    for each in sent:
        if each.error is not None and each.skipped:
            yield Operation(each.location, each.sql, each.error)
        elif each.rows and any(_names(each.sql, table) for table in written):
            # An UPDATE that sets what is there already is a no-op, although it writes rows.
            yield Operation(each.location, each.sql, rows=each.rows)


def _names(text: str, table: str) -> bool:
    return table.rpartition(".")[2].lower() in text.lower()


def _changes(finished: Facts, trace: Trace) -> dict[str, tuple[str, ...]]:
    """Return what each revision did to the schema, in sentences; what a failing one left of it counts too."""
    history = History(changes_of(trace.schema), complete=True)
    found: dict[str, tuple[str, ...]] = {}
    before = finished
    for number, change in enumerate(history.changes, 1):
        if number > 1 and not (change.changed or change.gone):
            continue
        after = catalog.parse((kind, identity, text) for (kind, identity), text in history.rows(number).items())
        diff = catalog.difference(before, after)
        if lines := catalog.first_sentences(diff, _MOST, before="before it", after="after it"):
            found[change.revision] = lines
        before = after
    return found


def doubtful(found: Rerun, options: Options) -> bool:
    """Say whether a copy of the command's process could have been the reason for what was found.

    What the server says to a revision's statement is no copy's doing, and where it has said so of one revision another
    one's own exception changes nothing. What blocks is looked at twice all the same.
    """
    if not found.tried or (found.repeated and grades.blocks(options, "repeatable")):
        return True
    told = any(_told(each) for each in found.repeated)
    return not told and any(each.stopped for each in found.repeated)


def _told(found: Repeated) -> bool:
    return found.stopped.startswith("SQLSTATE") or any(each.error for each in found.operations)
