"""Writes docs/causes/ from examples/causes/ by running each of them: `python -m scripts.causes [CAUSE]...`.

An example is a folder with the cause's name: `versions/` goes over the project of `examples/checks`, what became of its
production is in `production.sql`, the flags of the run, one a line, in `flags`. `about.md` has what the cause means and
what is to be done.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from alembic_rehearsal import causes
from scripts import checks

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "causes"
PAGES = ROOT / "docs" / "causes"
_PROJECT = checks.EXAMPLES / "_project"
_BEGINS = (
    "Made by `python -m scripts.causes` from `examples/causes/{cause}`, which the tests run too; "
    "[causes.md](../causes.md) has all causes, and says how a remedy is tried."
)


def names() -> list[str]:
    """Return the causes, in the order in which they are looked for."""
    return [cause.ID for cause in causes.CAUSES]


def run(cause: str, folder: Path) -> checks.Run:
    """Build the example of *cause* in the new *folder*, and rehearse it with all that is tried."""
    example, flags = EXAMPLES / cause, EXAMPLES / cause / "flags"
    shutil.copytree(_PROJECT, folder)
    shutil.copytree(example / "versions", folder / "migrations" / "versions", dirs_exist_ok=True)
    own = (example / "production.sql").read_text()
    at = "" if "INTO alembic_version" in own else (_PROJECT / "revision.sql").read_text()
    (folder / "production.sql").write_text(f"{(_PROJECT / 'production.sql').read_text()}{at}{own}")
    return checks.rehearsed(folder, flags.read_text().split() if flags.exists() else ())


def page(cause: str, done: checks.Run) -> str:
    """Return docs/causes/CAUSE.md, with what the tool said."""
    about, _, todo = (EXAMPLES / cause / "about.md").read_text().partition("\n## ")
    flags = EXAMPLES / cause / "flags"
    asked = f" with `{' '.join(flags.read_text().split())}`" if flags.exists() else ""
    parts = [f"# `{cause}`", about.strip(), _BEGINS.format(cause=cause), "## An example"]
    parts.append("Production has the table `users` of revision `0001`, and is at it unless its SQL says otherwise:")
    parts.append(f"```sql\n{(EXAMPLES / cause / 'production.sql').read_text().strip()}\n```")
    parts += checks.files(EXAMPLES / cause, "versions", "The project")
    parts += [f"What is said{asked}:", f"```text\n{done.text.strip()}\n```", "## What was tried", _tried(done)]
    return "\n\n".join([*parts, f"## {todo.strip()}"]) + "\n"


def _tried(done: checks.Run) -> str:
    remedies = [each for finding in done.report["findings"][:1] for each in finding["remedies"]]
    if not remedies:
        return "Nothing: what is to be done is not the project's to decide."
    lines = ["| remedy | came to | where, or why |", "|---|---|---|"]
    return "\n".join([*lines, *map(_line, remedies)])


def _line(remedy: dict[str, Any]) -> str:
    trial = remedy["trial"]
    why = trial["reason"] or f"on {' and '.join(trial['on'])}"
    return f"| `{remedy['kind']}` | {trial['outcome']} | {why.replace('|', chr(92) + '|')} |"


def main(asked: Sequence[str]) -> None:
    """Write the pages of the named causes, or all of them."""
    wanted = [name for name in names() if name in asked or not asked]
    PAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(2) as pool:
        for name, done in zip(wanted, pool.map(lambda name: run(name, Path(place, name)), wanted), strict=True):
            (PAGES / f"{name}.md").write_text(page(name, done))


if __name__ == "__main__":
    main(sys.argv[1:])
