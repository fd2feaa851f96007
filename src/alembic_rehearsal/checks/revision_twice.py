"""Two revision files with one id: Alembic takes one of them, and the other never runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_rehearsal.checks import _graph
from alembic_rehearsal.model import Evidence, Finding, Revision, Severity

ID = _graph.TWICE

# Of Alembic's own warning, https://github.com/sqlalchemy/alembic/blob/main/alembic/script/revision.py
_WARNING = re.compile(r"Revision (\S+) is present more than once")


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each id that stands in several files, whether the command went on with one or not."""
    if evidence.trace.exit_status is None:
        return
    files = _graph.twice(evidence.trace.scripts)
    warned = (found[1] for text in evidence.trace.warnings if (found := _WARNING.search(text)))
    for revision in dict.fromkeys((*files, *warned)):
        yield _finding(evidence, revision, files.get(revision, ()))


def _finding(evidence: Evidence, revision: str, files: tuple[Revision, ...]) -> Finding:
    went_on = evidence.trace.exit_status == 0
    said = "one of them was run, the other never will be, and the version table looks right"
    return Finding(
        check=ID,
        severity=Severity.ERROR,
        message=f"Two revision files have the id {revision}: "
        + (said if went_on else "Alembic takes one of them, and sees a head too many"),
        evidence=tuple(_graph.said(evidence, each) for each in files),
        fix="Give one of them another id and a down_revision of its own"
        + (f":\n    grep -rl '{revision}' migrations" if not files else "."),
        location=_graph.place(evidence, files[0]) if files else None,
        revision=revision,
    )
