"""The results as a page for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FOLDER = re.compile(r"/\S*?/site-packages/(?:\S*/)?")
_INTRO = """\
# Real upgrades that die half-way

Made by `python -m scripts.retries --envs DIR` in the repository's root; don't edit.

Revisions that nobody here wrote and that are not one transaction. On a real PostgreSQL {server} production is taken to
the revision before; then, without the tool, the project's own command is killed (SIGKILL) on a copy **at every commit**
that the server makes but the last, started again on what is left, and what that ends with is compared with an
undisturbed upgrade: exit status, schema, version row. That is what *really* happens. The tool is given the dump, and
has to say `not-retryable` for just those places, with the same SQLSTATE.

A commit between two revisions, after which the version row says what was done, is in the first column's count and no
place for the tool. The second phase of `CREATE INDEX CONCURRENTLY` leaves what the first has left; the tool tries one.
"""


def page(results: Mapping[str, Any]) -> str:
    """Return docs/retries.md."""
    server = ", ".join(sorted({found["server"] for found in results.values()}))
    lines = [_INTRO.format(server=server)]
    lines.append("| revision | killed at | next try fails or differs | the tool's places | agree |")
    lines.append("|---|---|---|---|---|")
    for found in results.values():
        bad = _bad(found)
        lines.append(
            f"| {_named(found)} | {len(found['deaths'])} commits | {len(bad)} | {_told(found)} "
            f"| {'yes' if agrees(found) else '**no**'} |"
        )
    for found in results.values():
        lines += ["", f"## {_named(found)}", ""]
        if not found["deaths"]:
            lines.append("One commit: nothing to kill it at.")
            continue
        lines += ["| commit | at | the next try, really |", "|---|---|---|"]
        for death in found["deaths"]:
            what = death["ends"] + (f" at {death['place']}" if death["place"] else "")
            lines.append(f"| {death['number']} | `{_cell(death['sql'])}` | {what} |")
        lines += ["", f"The tool: {found['verdict']}.", ""]
        for finding in found["findings"]:
            lines.append("; ".join([f"- {_place(finding)}: {finding['message']}", *finding["folded"]]))
            lines += [f"  - {line}" for line in finding["evidence"]]
        lines += [f"- {line}" for line in found["notes"]]
    # Where the environments were on the machine is nobody's business.
    return _FOLDER.sub("", "\n".join(lines)).rstrip() + "\n"


def agrees(found: Mapping[str, Any]) -> bool:
    """Say whether the tool has told just the places at which the next try really ended otherwise."""
    really = sorted(death["ends"] for death in _bad(found))
    told = [each["sqlstate"] or "another schema" for each in found["findings"] for _ in range(1 + len(each["folded"]))]
    return really == sorted(told)


def _bad(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [death for death in found["deaths"] if death["ends"] != "as undisturbed" and not death["same_phase"]]


def _told(found: Mapping[str, Any]) -> int:
    return sum(1 + len(each["folded"]) for each in found["findings"])


def _named(found: Mapping[str, Any]) -> str:
    what = found["revision"] or f"all after {found['before']}"
    return f"{found['project']} {found['version']}, {what}"


def _place(finding: Mapping[str, Any]) -> str:
    place = finding["location"] or {}
    return f"`{Path(place.get('path', '')).name}:{place.get('line')}`"


def _cell(text: str) -> str:
    text = text.replace("|", "\\|").replace("`", "'")
    return text if len(text) <= 110 else text[:107] + "..."
