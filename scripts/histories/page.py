"""The results as a page for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .history import History

_INTRO = """\
# Real histories

Made by `python -m scripts.histories --envs DIR` in the repository's root; don't edit.

Projects that nobody here wrote, installed by name, are taken through their own Alembic history on a real PostgreSQL
{server} server, a process a step, and stopped at revisions all over it. There production is copied, altered as
somebody might have done by hand, and dumped by `pg_dump` (schema and version row). Then two upgrades to head:

- **bare**: the project's own command on the copy itself. Exit status and version row give the verdict; the SQLSTATE
  comes from the driver's exception, or from the server's log where the output names none; revision and line from the
  innermost frame of the traceback in a revision's file.
- **tool**: `alembic-rehearsal run` on the dump, the project's settings naming a host that doesn't exist.
  `--divergence off`, `--idempotence off`: what an upgrade passes over, and what becomes of one that is interrupted, is
  no difference to the bare one's exit status.

They agree when verdict, revision, SQLSTATE, file and line are all the same. What is altered is taken from what the
pending revisions do: a table, column, enum type, index or constraint that one of them makes is there already; one that
they take away or work on is gone; the version row says the revision before. An alteration that the pending revisions
guard against has to pass in both. Where a failure has no SQLSTATE (Python's own, such as a table that reflection
doesn't find) they agree on file and line. Where the clean history fails already, a later alteration shows nothing new.

**Cause** is the one that the tool names. Of an altered production it has to be: `made-outside` for what is there before
its time, `missing-in-production` for what is gone, `version-behind` for a version row that was set back; another is in
bold. Where the clean history fails at the same place there is nothing to expect.

`--at` runs one revision again and keeps the others' results, so the rows may come from several runs, and from several
states of the tool.
"""


def page(results: Mapping[str, Any], histories: Mapping[str, History]) -> str:
    """Return docs/histories.md from what was found of each project."""
    found = {name: results[name] for name in histories if name in results}
    server = ", ".join(sorted({each["server"] for each in found.values()}))
    parts = [_INTRO.format(server=server), _summary(found)]
    parts += [_project(histories[name], each) for name, each in found.items()]
    return "\n".join(parts).rstrip() + "\n"


def _summary(results: Mapping[str, Any]) -> str:
    lines = [
        "## Summary",
        "",
        "| project | version | SQLAlchemy | Alembic | upgrades | pass | blocked | agree | cause right |",
    ]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for name, found in results.items():
        cases, versions = found["cases"], found["versions"]
        own = next(iter(versions.values()))
        count = [sum(case["bare"]["verdict"] == word for case in cases) for word in ("pass", "blocked")]
        agree = sum(case["agrees"] for case in cases)
        caused = [case for case in cases if case["cause_wanted"]]
        right = sum(case["tool"]["cause"] == case["cause_wanted"] for case in caused)
        lines.append(
            f"| {name} | {own} | {versions['sqlalchemy']} | {versions['alembic']} | {len(cases)} | {count[0]} "
            f"| {count[1]} | {agree} of {len(cases)} | {right} of {len(caused)} |"
        )
    return "\n".join(lines) + "\n"


def _project(history: History, found: Mapping[str, Any]) -> str:
    lines = [f"## {history.name}", "", f"`{found['command']}`, {found['revisions']} revisions."]
    if history.remark:
        lines += ["", history.remark]
    lines += ["", "| production at | alteration | bare | tool | cause |", "|---|---|---|---|---|"]
    for case in sorted(found["cases"], key=lambda case: history.revisions.index(case["at"])):
        at = f"{case['at']} ({case['index']} of {found['revisions']})"
        what = f"{case['alteration']}: `{case['what']}`" if case["what"] else "none"
        tool = "the same" if case["agrees"] else f"**{_said(case['tool'])}**"
        lines.append(f"| {at} | {what} | {_said(case['bare'])} | {tool} | {_cause(case)} |")
    return "\n".join(lines) + "\n"


def _cause(case: Mapping[str, Any]) -> str:
    named, wanted = case["tool"]["cause"], case["cause_wanted"]
    return named if named == wanted or not wanted else f"**{named or 'none'}**, wanted {wanted}"


def _said(said: Mapping[str, Any]) -> str:
    place = f"{said['file']}:{said['line']}" if said["file"] else ""
    return " ".join(part for part in (said["verdict"], said["sqlstate"], said["revision"], place) if part)
