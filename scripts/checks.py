"""Writes docs/checks.md from examples/checks/ by running each of them: `python -m scripts.checks [CHECK]...`.

An example is a folder with the check's name: `bad/` and `good/` go over `_project/`, what production has besides is in
`production.sql`, the flags of the run, one a line, in `flags`, and what git has committed before in `base/`. Unless the
flags say otherwise there is no build from base, and no grade of idempotence is tried.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic_rehearsal import checks, policy
from alembic_rehearsal.report._rules import RULES

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "checks"
PAGE = ROOT / "docs" / "checks.md"
# Checks that a project of a few files can't show, and why.
WITHOUT = {
    "no-connection": "it is about commands that are no Python program, or connect to nothing",
    "ran-out-of-time": "it takes a command that is still at it when its time is over",
    "refused-connection": "it takes another server to connect to",
    "several-databases": "it takes two databases in one command",
    "survey-stopped": "it goes with another check's failure, and has nothing to mend by itself",
}
_HEAD = """# Checks

What each check means, a revision that it minds, what the report says of it, and one that does no harm. The projects are
in `examples/checks/` and are run by the tests; `python -m scripts.checks` writes this page from them.
[usage.md](usage.md#what-blocks-and-what-withholds-the-verdict) has all checks in one table, and how their
severities are changed or waived.

All of them begin with a table `users`, made by revision `0001`, which production is at unless its SQL says otherwise.
"""
_WHO = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
# The same commit each time: its id is on the page.
_THEN = {f"GIT_{who}_DATE": "2026-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")}
# An ordinary revision is neither race-safe nor repeatable: where an example is about another check that isn't tried.
_UNGUARDED = ("--idempotence", "off")
_REPORTS = ("--format=json", "--output=report.json", "--format=text", "--quiet")


@dataclass(frozen=True)
class Run:
    """What the tool said of one project."""

    status: int
    text: str
    report: dict[str, Any]

    def of(self, check: str) -> list[dict[str, Any]]:
        """Return the findings of *check*."""
        return [each for each in self.report["findings"] if each["check"] == check]


def names() -> list[str]:
    """Return the checks that have examples, in the order of the registry."""
    return [check.ID for check in checks.CHECKS if check.ID not in WITHOUT]


def run(check: str, kind: str, folder: Path) -> Run:
    """Build the example *kind*, "bad" or "good", of *check* in the new *folder*, and rehearse it."""
    flags = _build(EXAMPLES / check, kind, folder)
    alone = [] if "--from-base" in flags else ["--no-from-base"]
    return rehearsed(folder, [*alone, *([] if "--idempotence" in flags else _UNGUARDED), *flags])


def rehearsed(folder: Path, flags: Sequence[str]) -> Run:
    """Rehearse the project in *folder*, whose production is in `production.sql`."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic_rehearsal", "run", "--dump=production.sql", *flags, *_REPORTS],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "COLUMNS")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if not (folder / "report.json").exists():
        raise RuntimeError(f"{folder}: {done.stderr}")
    return Run(done.returncode, done.stdout, json.loads((folder / "report.json").read_text()))


def _build(example: Path, kind: str, folder: Path) -> list[str]:
    shutil.copytree(EXAMPLES / "_project", folder)
    files = (example / "production.sql", example / kind / "production.sql")
    own = [each.read_text() for each in files if each.exists()]
    at = [] if any("INTO alembic_version" in each for each in own) else [(folder / "revision.sql").read_text()]
    schema = (folder / "production.sql").read_text()
    (folder / "production.sql").write_text("".join([schema, *at, *own]))
    if (example / "base").is_dir():
        shutil.copytree(example / "base", folder / "migrations", dirs_exist_ok=True)
        for command in (("init", "-q"), ("add", "."), (*_WHO, "commit", "-q", "-m", "x")):
            subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True, env={**os.environ, **_THEN})
    for source in (each for each in (example / kind).rglob("*.py")):
        shutil.copy(source, folder / "migrations" / source.relative_to(example / kind))
    asked = [each.read_text().split() for each in (example / "flags", example / kind / "flags") if each.exists()]
    return [flag for each in asked for flag in each]


def section(check: str, bad: Run) -> str:
    """Return the section of *check*, with what the tool said of the bad project."""
    rule = RULES[check]
    severities = ", ".join(dict.fromkeys(each["severity"] for each in bad.of(check)))
    fixed = check in policy.FIXED
    weight = "no setting changes it" if fixed else f"`--severity {check}=LEVEL` or a waiver changes it"
    parts = [f"## `{check}`", f"{rule.short}. {rule.full}", f"Here: **{severities}**; {weight}. {rule.help}"]
    parts += files(EXAMPLES / check, ".", "Production has besides")
    parts += files(EXAMPLES / check, "base", "Committed before")
    parts += files(EXAMPLES / check, "bad", "Bad")
    flags = EXAMPLES / check / "flags"
    asked = f" with `{' '.join(flags.read_text().split())}`" if flags.exists() else ""
    parts += [f"What is said{asked}:", f"```text\n{bad.text.strip()}\n```"]
    parts += files(EXAMPLES / check, "good", "Good")
    return "\n\n".join(parts) + "\n"


def files(example: Path, kind: str, label: str) -> list[str]:
    """Return the files in the folder *kind* of *example*, each under a line that begins with *label*."""
    place = example / kind
    if not place.is_dir():
        return []
    found = []
    for file in sorted(place.glob("*.*") if kind == "." else place.rglob("*.*")):
        language = {".py": "python", ".sql": "sql"}[file.suffix]
        where = "what production has besides" if kind != "." and language == "sql" else f"`{file.relative_to(place)}`"
        shown = label if kind == "." else f"{label}, {where}"
        found += [f"{shown}:", f"```{language}\n{file.read_text().strip()}\n```"]
    return found


def sections(page: str) -> dict[str, str]:
    """Return the sections of *page* by the check that each is about."""
    parts = page.split("\n## `")[1:]
    return {part.partition("`")[0]: f"## `{part.rstrip()}\n" for part in parts}


def main(asked: Sequence[str]) -> None:
    """Write the page; with names, run these anew and keep the other sections as they are."""
    known = sections(PAGE.read_text()) if PAGE.exists() else {}
    wanted = [name for name in names() if name in asked or not asked or name not in known]
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda name: run(name, "bad", Path(place, name)), wanted)
        known |= {name: section(name, found) for name, found in zip(wanted, runs, strict=True)}
    PAGE.write_text("\n".join([_HEAD, *(known[name] for name in names())]))


if __name__ == "__main__":
    main(sys.argv[1:])
