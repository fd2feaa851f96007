"""What is wrong with the graph of the revisions itself: which of its checks accounts for the end of a command.

Alembic's exceptions and their words: https://github.com/sqlalchemy/alembic/blob/main/alembic/script/revision.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alembic_rehearsal import lineage
from alembic_rehearsal.model import Evidence, Location, Revision, Statement, VersionTable

TWICE, HEADS, CYCLE, PARENT = "revision-twice", "several-heads", "revision-cycle", "parent-missing"
UNKNOWN, OVERLAP, TOO_LONG = "stamp-unknown", "version-rows-overlap", "revision-id-too-long"

_CYCLES = {"CycleDetected", "DependencyCycleDetected", "LoopDetected", "DependencyLoopDetected"}
_ABSENT = re.compile(r"Revision (\S+) referenced from .* is not present")
_UNKNOWN = re.compile(r"Can't locate revision identified by '([^']+)'|No such revision or branch '([^']+)'")
# Of a table without its primary key, which takes a row twice.
_ROWS = ("overlaps with other requested revisions", "expected to match one row")


def fault(evidence: Evidence) -> str:
    """Return the check that accounts for the exception that ended the command, "" for none."""
    failure = evidence.trace.failures[-1] if evidence.trace.failures else None
    if evidence.trace.exit_status in (0, None) or failure is None or failure.error is not None:
        return ""
    names = {name.rsplit(".", 1)[-1] for name in (failure.type, *failure.chain)}
    if names & _CYCLES:
        return CYCLE
    if "KeyError" in names and absent(evidence):
        return PARENT
    if "MultipleHeads" in names:
        return TWICE if twice(evidence.trace.scripts) else HEADS
    if unknown(evidence):
        return UNKNOWN
    if not any(words in failure.text for words in _ROWS):
        return ""
    if any(overlaps(evidence)):
        return OVERLAP
    # What builds on the id builds on one of the files; the other is a head besides, of an id below.
    return TWICE if twice(evidence.trace.scripts) else ""


def twice(scripts: tuple[Revision, ...]) -> dict[str, tuple[Revision, ...]]:
    """Return the files of each id that stands in more than one, by the id."""
    files: dict[str, tuple[Revision, ...]] = {}
    for script in scripts:
        files[script.revision] = (*files.get(script.revision, ()), script)
    return {revision: found for revision, found in files.items() if len(found) > 1}


def absent(evidence: Evidence) -> dict[str, tuple[Revision, ...]]:
    """Return the files that build on a revision which is not there, by that revision's id."""
    wanted = dict.fromkeys(found[1] for text in evidence.trace.warnings if (found := _ABSENT.search(text)))
    return {
        each: files
        for each in wanted
        if (files := tuple(script for script in evidence.trace.scripts if each in script.down_revisions))
    }


def cycle(evidence: Evidence) -> tuple[Revision, ...]:
    """Return the revisions that build on themselves by way of others."""
    known = {script.revision: script for script in evidence.trace.scripts}
    return tuple(each for each in known.values() if each.revision in lineage.ancestors(each.down_revisions, known))


def unknown(evidence: Evidence) -> tuple[tuple[VersionTable, str], ...]:
    """Return table and row of what the command could not find among the revisions."""
    text = evidence.trace.failures[-1].text if evidence.trace.failures else ""
    named = {name for found in _UNKNOWN.finditer(text) for name in found.groups() if name}
    known = lineage.graph(evidence.trace)
    return tuple((table, row) for table in _tables(evidence) for row in table.rows if row in named and row not in known)


def overlaps(evidence: Evidence) -> Iterator[tuple[VersionTable, str, str]]:
    """Yield table, row and the row that builds on it; twice the same for a row that is there more than once."""
    known = lineage.graph(evidence.trace)
    for table in _tables(evidence):
        for row in dict.fromkeys(table.rows):
            if table.rows.count(row) > 1:
                yield table, row, row
            above = (each for each in table.rows if each != row and row in lineage.ancestors([each], known))
            yield from ((table, row, each) for each in sorted(set(above))[:1])


def too_long(evidence: Evidence) -> tuple[tuple[VersionTable, Revision], ...]:
    """Return the pending revisions whose ids the version table can't hold, where the command failed by that."""
    runs = filter(None, (evidence.trace, evidence.survey))
    if not any(about_id(statement) for run in runs for statement in run.statements):
        return ()
    known = lineage.graph(evidence.trace)
    found: dict[str, tuple[VersionTable, Revision]] = {}
    for table in _tables(evidence):
        pending = set(known) - lineage.ancestors(table.rows, known)
        for revision in known:
            if revision in pending and table.width is not None and len(revision) > table.width:
                found.setdefault(revision, (table, known[revision]))
    return tuple(found.values())


def about_id(statement: Statement) -> bool:
    """Say whether *statement* failed because a revision's id is longer than the version table's column."""
    error = statement.error
    return error is not None and error.sqlstate == "22001" and "version_num" in statement.sql


def place(evidence: Evidence, revision: Revision, name: str = "revision") -> Location:
    """Return the line in the file of *revision* at which its variable *name* is set."""
    found: Mapping[str, int] = evidence.lines.get(revision.path, {})
    return Location(revision.path, found.get(name) or found.get("revision"))


def said(evidence: Evidence, revision: Revision, name: str = "revision") -> str:
    """Return the same as one would say it."""
    where = place(evidence, revision, name)
    return f"{where.path}:{where.line}" if where.line else where.path


def _tables(evidence: Evidence) -> tuple[VersionTable, ...]:
    """Return the version tables that the command uses, or all of them if it never came to say."""
    used = tuple(dict.fromkeys(table for table in evidence.tables if table is not None))
    return used if evidence.trace.contexts else evidence.restored.version_tables
