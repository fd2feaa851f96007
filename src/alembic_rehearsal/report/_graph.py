"""The pending revisions as a Mermaid graph, as GitHub and GitLab draw it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.model import Report
from alembic_rehearsal.report._markup import label

MOST = 20
_LABEL = 60
_CLASS = {"applied": "good", "failed": "bad", "half-applied": "bad", "rolled back": "undone", "not reached": "off"}
_STYLES = (
    "classDef good stroke:#2da44e,stroke-width:2px",
    "classDef bad stroke:#cf222e,stroke-width:4px",
    "classDef undone stroke:#bf8700,stroke-width:2px",
    "classDef off stroke:#8c959f,stroke-dasharray:4",
)


def graph(report: Report) -> str:
    """Return the fenced graph of production's revisions and those on top of them; "" if there is none to draw."""
    if not 0 < len(report.revisions) <= MOST:
        return ""
    return "\n".join(("```mermaid", "flowchart LR", *_lines(report), *_STYLES, "```", ""))


def _lines(report: Report) -> Iterator[str]:
    nodes: dict[str, str] = {}
    for number, revision in enumerate(report.from_revisions[:MOST]):
        nodes[revision] = f"p{number}"
        yield f'p{number}(["production#58; {label(revision, _LABEL)}"])'
    for number, line in enumerate(report.revisions):
        nodes[line.revision] = f"r{number}"
        said = f"<br/>{label(line.message, _LABEL)}" if line.message else ""
        outcome = f"<br/>{label(line.outcome, _LABEL)}"
        yield f'r{number}["{label(line.revision, _LABEL)}{said}{outcome}"]:::{_CLASS.get(line.outcome, "bad")}'
    for number, line in enumerate(report.revisions):
        yield from (f"{nodes[down]} --> r{number}" for down in line.down_revisions if down in nodes)
