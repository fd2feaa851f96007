"""What the revision files say themselves, where a check may point to them, and what git says became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from alembic_rehearsal import lineage, revisionfile, since
from alembic_rehearsal.model import Options, Project, Revision, Since, Trace

# As Alembic makes the column: https://alembic.sqlalchemy.org/en/latest/api/ddl.html
_WIDTH = 32


def looked_up(options: Options, project: Project, trace: Trace) -> tuple[Since | None, dict[str, Mapping[str, int]]]:
    """Return what became of the revision files since `options.base`, and the lines of those that a check may name.

    Raises:
        UsageError: there is no such commit.
        ProcessFailed: git refuses.
    """
    known = lineage.graph(trace)
    became = None
    if options.base:
        commit = since.commit_of(project.checkout, options.base)
        became = since.read(project.checkout, options.base, commit, known.values())
    paths = dict.fromkeys(each.path for each in _suspects(trace, known, became))
    paths |= dict.fromkeys(each.location.path for each in trace.failures if each.phase == "revision" and each.location)
    return became, revisionfile.lines(Path(project.checkout), paths)


def _suspects(trace: Trace, known: Mapping[str, Revision], became: Since | None) -> Iterator[Revision]:
    yield from trace.scripts
    yield from (known[each] for each in known if len(each) > _WIDTH)
    for context in trace.contexts:
        if len(context.heads) > 1:
            yield from (known[head] for head in context.heads if head in known)
    if became is not None:
        yield from (known[each] for each in known if each in became.edited or each not in became.parents)
