"""Give one of two revision files with one id another id, and let it follow the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from alembic_rehearsal import lineage, revisionfile
from alembic_rehearsal.causes._case import current
from alembic_rehearsal.checks import _graph
from alembic_rehearsal.model import Edit, Revision
from alembic_rehearsal.remedies import _identity, source
from alembic_rehearsal.remedies._problem import Problem
from alembic_rehearsal.remedies._proposal import Proposal
from alembic_rehearsal.remedies._spot import NotGuardableError

ID = "renumber"


def propose(problem: Problem) -> Proposal | None:
    """Return the new ids, None unless ids that stand in several files are all that is wrong.

    The file that Alembic took keeps the id, and what names it as its parent stays. Which of them production has run
    the id doesn't tell: the trial does, by the schema. Where it fails, the other file is to keep it.
    """
    twice = _graph.twice(problem.evidence.trace.scripts)
    if problem.failing or not twice or any(each.check != _graph.TWICE for each in problem.findings):
        return None
    taken = lineage.graph(problem.evidence.trace)
    kept = {each: taken.get(each, files[0]) for each, files in twice.items()}
    first = _proposal(problem, kept, twice)
    [id_, files], *more = twice.items()
    others = [each for each in files if each.path != kept[id_].path]
    # With more of them there are too many ways for as few trials.
    if first.refused or more or len(others) > 1:
        return first
    return replace(first, otherwise=_proposal(problem, {id_: others[0]}, twice))


def _proposal(problem: Problem, kept: dict[str, Revision], twice: dict[str, tuple[Revision, ...]]) -> Proposal:
    renumbered = [each for id_, files in twice.items() for each in files if each.path != kept[id_].path]
    scripts = [each for each in problem.evidence.trace.scripts if each.path not in {other.path for other in renumbered}]
    text = "Give " + ", ".join(f"{PurePosixPath(each.path).name} an id of its own" for each in renumbered)
    try:
        edits = tuple(_edits(problem, renumbered, scripts, kept))
    except NotGuardableError as error:
        return Proposal(kind=ID, text=text, refused=str(error))
    return Proposal(kind=ID, text=text, edits=edits, notes=tuple(_notes(problem, renumbered, kept)), anew=True)


def _edits(
    problem: Problem, renumbered: Sequence[Revision], scripts: Sequence[Revision], kept: dict[str, Revision]
) -> Iterator[Edit]:
    """Yield the files under their new ids, each behind the one before it, the first behind the head."""
    known = {each.revision: each for each in scripts}
    head = _head_above(renumbered[0].revision, known)
    for each in renumbered:
        text = _text(problem, each)
        if not revisionfile.differences(_text(problem, kept[each.revision]), text):
            raise NotGuardableError(f"{each.path} does what {kept[each.revision].path} does: delete one of them")
        id_ = _new_id(each)
        below = lineage.ancestors([head], known)
        downs = (head, *(down for down in each.down_revisions if down not in below))
        try:
            yield Edit(each.path, text, _identity.renamed(text, id_, downs))
        except NotGuardableError as error:
            raise NotGuardableError(f"{each.path}: {error}") from None
        known[id_] = Revision(id_, downs, each.path, each.message)
        head = id_


def _head_above(id_: str, known: dict[str, Revision]) -> str:
    """Return the head that builds on *id_*, itself if nothing does."""
    parents = {down for each in known.values() for down in each.down_revisions}
    heads = sorted(each for each in known if each not in parents and id_ in lineage.ancestors([each], known))
    return heads[0] if heads else id_


def _new_id(revision: Revision) -> str:
    """Return twelve digits, as Alembic takes them; not by chance, so that the same file gets the same ones again."""
    return hashlib.sha256(f"{revision.revision}\0{PurePosixPath(revision.path).name}".encode()).hexdigest()[:12]


def _text(problem: Problem, revision: Revision) -> str:
    try:
        return source.read(Path(problem.evidence.project.checkout, revision.path)).text
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise NotGuardableError(f"{revision.path} can't be read: {error}") from error


def _notes(problem: Problem, renumbered: Sequence[Revision], kept: dict[str, Revision]) -> Iterator[str]:
    applied = lineage.ancestors(current(problem.evidence), lineage.graph(problem.evidence.trace))
    for each in renumbered:
        keeper = kept[each.revision]
        if each.revision in applied:
            yield (
                f"production has run one of the two as {each.revision}: {keeper.path}, by its schema; what only writes "
                "rows the schema doesn't show"
            )
        yield f"a database that has run {each.path} as {each.revision} would run it again: it has to be stamped first"
        if PurePosixPath(each.path).name.startswith(each.revision):
            yield f"the name of {each.path} still begins with {each.revision}, which is nothing to Alembic"
