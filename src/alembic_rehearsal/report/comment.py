"""The report as a comment on a pull or merge request: the Markdown page, in as much as a comment may hold."""

from __future__ import annotations

from dataclasses import replace

from alembic_rehearsal.model import Report
from alembic_rehearsal.report import markdown
from alembic_rehearsal.report.look import Look

# GitHub refuses more than 65,536 characters; what is left is for whoever posts it.
# Source: https://github.com/orgs/community/discussions/41331
_MOST_BYTES = 60_000


def render(report: Report, look: Look) -> str:
    """Return the page of `markdown`, with fewer findings and revisions where it would be too long."""
    return markdown.render(report, replace(look, most_bytes=min(look.most_bytes, _MOST_BYTES)))
