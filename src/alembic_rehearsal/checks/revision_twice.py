"""Two revision files with one id: Alembic takes one of them, and the other never runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_rehearsal.model import Evidence, Finding, Severity

ID = "revision-twice"

# Of Alembic's own warning, https://github.com/sqlalchemy/alembic/blob/main/alembic/script/revision.py
_WARNING = re.compile(r"Revision (\S+) is present more than once")


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each id that stands in several files, where the command went on all the same."""
    if evidence.trace.exit_status != 0:
        return
    ids = dict.fromkeys(found[1] for text in evidence.trace.warnings if (found := _WARNING.search(text)))
    for revision in ids:
        yield Finding(
            check=ID,
            severity=Severity.ERROR,
            message=f"Two revision files have the id {revision}: one of them was run, the other never will be, and "
            "the version table looks right",
            fix=f"Give one of them another id and a down_revision of its own:\n    grep -rl '{revision}' migrations",
            revision=revision,
        )
