"""Writes docs/whole.md: the histories with all that the tool does by default.

`python -m scripts.whole --envs DIR [--project NAME]`: where the bare upgrade passes every check looks at it, and where
it does not every remedy that is said to have passed is carried out again without the tool. The results are kept in DIR,
a file a project, so that several can be run at once.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scripts import without_folders
from scripts.histories import HISTORIES, alterations, environments, production, runs, walk

PAGE = Path(__file__).resolve().parents[1] / "docs" / "whole.md"
_DEFAULTS = ("--divergence", "auto", "--idempotence", "retryable", "--remedies")
_HEAD = """\
# The whole tool on real histories

Made by `python -m scripts.whole --envs DIR` in the repository's root; don't edit.

The productions of [histories.md](histories.md) once more, with all that the tool does by default. Where the bare
upgrade passes, each check looks at it: an *error* there is an upgrade blocked that production would accept. Where it
does not, each remedy that is said to have passed is carried out again without the tool: the files are changed in a copy
of the project's package, or the version row is set, on the dump restored by `psql`; then the project's own command
upgrades it. It has to end with status 0 and at the heads. "Schema" is `pg_dump -s` afterwards, line by line, against
that of the unaltered production at the same revision, restored and upgraded in the same way, where that passes.
(The rows of optuna, prefect and langflow are older: their unaltered production had not been restored, which writes
expressions otherwise.)

Not every revision of those histories was run: the table at the end and the counts say which. prefect's errors and
dagster's are of revisions that commit in parts; [retries.md](retries.md) has some of prefect's killed by hand. (dagster
connects in autocommit, and makes an index only where it makes the table: a deploy that dies between the two leaves a
table that never gets it.) An error for an altered production is of an upgrade that ends with status 0 and does not do
what it does from base.
"""


@dataclass
class Look:
    """What is done with each production of one project.

    Attributes:
        reference: sorted lines of the schema that the unaltered production has after its upgrade; empty if that fails.
    """

    server: production.Server
    name: str
    cases: list[dict[str, Any]] = field(default_factory=list)
    reference: tuple[str, ...] = ()

    def __call__(self, shop: runs.Workshop, dump: Path, altered: alterations.Alteration, bare: runs.Said) -> runs.Said:
        """Rehearse with the defaults, carry out what passed, and keep what came of it."""
        if altered.kind == "none":
            self.reference = ()
            # A schema that was dumped and restored has its expressions written otherwise.
            if bare.verdict == "pass" and self._upgraded(shop, dump).verdict == "pass":
                self.reference = self._schema()
        said, report = runs.rehearsed(shop, dump, *_DEFAULTS)
        found = report.get("findings", [])
        kept = {
            "altered": f"{altered.kind} {altered.what}".strip(),
            "bare": bare.verdict,
            "tool": said.verdict,
            "findings": [[each["severity"], each["check"], each["revision"], each["message"]] for each in found],
            "untested": report.get("not_tested", []),
            "remedies": [],
        }
        for each in _passed(found):
            outcome = self._carried_out(shop, dump, each)
            kept["remedies"].append([each["kind"], outcome])
        kept["tried"] = [[r["kind"], r["trial"]["outcome"], r["trial"]["reason"]] for f in found for r in f["remedies"]]
        self.cases.append(kept)
        return said

    def _carried_out(self, shop: runs.Workshop, dump: Path, remedy: Mapping[str, Any]) -> str:
        """Do by hand what *remedy* says, upgrade, and say in one line what came of it."""
        with tempfile.TemporaryDirectory(prefix="by-hand-") as place:
            if remedy["patch"]:
                said = self._upgraded(_patched(shop, Path(place), remedy["patch"]), dump)
            else:
                said = self._upgraded(shop, dump, stamp=remedy["command"].split()[-1])
        at = self.server.at(self._database)
        if said.verdict != "pass" or at != frozenset(shop.graph.heads):
            return f"FAILED: {said.verdict} {said.sqlstate} {said.file}:{said.line}, at {', '.join(sorted(at))}"
        if not self.reference:
            return "passes"
        here = self._schema()
        lines = len(set(here) ^ set(self.reference))
        return "passes, schema equal" if here == self.reference else f"passes, schema differs in {lines} lines"

    @property
    def _database(self) -> str:
        return f"{self.name}_by_hand"

    def _upgraded(self, shop: runs.Workshop, dump: Path, *, stamp: str = "") -> runs.Said:
        """Restore *dump*, set its version row if that is asked for, and upgrade it by the project's own command."""
        name = self._database
        self.server.create(name)
        quietly = ("-qX", "-v", "ON_ERROR_STOP=1", "-o", os.devnull)
        psql = [*self.server.client("psql"), *quietly, "-d", name, "-f", os.fspath(dump)]
        subprocess.run(psql, check=True)
        if stamp:
            rows = ("DELETE FROM alembic_version", f"INSERT INTO alembic_version VALUES ('{stamp}')")
            self.server.execute(name, rows)
        return runs.bare(shop, self.server.address(name))

    def _schema(self) -> tuple[str, ...]:
        """Return the lines of the schema made by hand, sorted; where a line stands in a list says nothing."""
        tool = [*self.server.client("pg_dump"), "-s", self._database]
        done = subprocess.run(tool, check=True, capture_output=True, text=True)
        lines = (line.rstrip(",") for line in done.stdout.splitlines())
        return tuple(sorted(line for line in lines if line and not line.startswith(("--", "\\"))))


def _passed(findings: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    seen: list[object] = []
    for each in (remedy for finding in findings for remedy in finding["remedies"]):
        what = (each["kind"], each["diff"], each["command"])
        # One patch mends several findings, and stands under the first of them.
        if each["trial"]["outcome"] == "passed" and (each["patch"] or each["command"]) and what not in seen:
            seen.append(what)
            yield each


def _patched(shop: runs.Workshop, place: Path, patch: Iterable[Mapping[str, Any]]) -> runs.Workshop:
    """Return the project with a copy of its package before the installed one, and the files of *patch* in it."""
    package = shop.history.scripts.partition(":")[0].split(".")[0]
    [installed] = shop.python.parent.parent.glob(f"lib/python3*/site-packages/{package}")
    installed = installed.resolve()
    # Links, but for what is written.
    shutil.copytree(installed, place / package, copy_function=os.link)
    for edit in patch:
        file = place / Path(edit["path"]).relative_to(installed.parent)
        file.unlink(missing_ok=True)
        file.write_text(edit["after"], encoding="utf-8")
    environ = {**shop.history.environ, "PYTHONPATH": os.fspath(place)}
    return replace(shop, history=replace(shop.history, environ=environ))


def page(results: Mapping[str, Mapping[str, list[dict[str, Any]]]]) -> str:
    """Return docs/whole.md; *results* are project -> revision -> cases."""
    lines = [_HEAD, "## Where the bare upgrade passes", ""]
    lines += ["| project | unaltered | of them blocked | altered | of them blocked |", "|---|---|---|---|---|"]
    each = {name: [case for cases in found.values() for case in cases] for name, found in results.items()}
    good = {name: [case for case in cases if case["bare"] == "pass"] for name, cases in each.items()}
    for name, cases in good.items():
        counts = []
        for some in ([c for c in cases if c["altered"] == "none"], [c for c in cases if c["altered"] != "none"]):
            counts += [len(some), sum(case["tool"] != "pass" for case in some)]
        lines.append(f"| {name} | {' | '.join(map(str, counts))} |")
    lines += ["", "What was found there, each finding once, with the number of upgrades that it came in:", ""]
    for name, cases in good.items():
        lines += _findings(name, cases)
    lines += ["", "## Where it does not", ""]
    lines += ["| project | production at | alteration | remedy | carried out by hand |", "|---|---|---|---|---|"]
    for name, found in results.items():
        for at, cases in found.items():
            for case in cases:
                lines += [
                    f"| {name} | {at} | {case['altered']} | {kind} | {outcome} |" for kind, outcome in case["remedies"]
                ]
    return "\n".join([*lines, ""])


def _findings(name: str, cases: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    counted: dict[tuple[str, ...], int] = {}
    plain: set[str] = set()
    for case in cases:
        for severity, check, revision, message in case["findings"]:
            # A revision that makes something can't be run twice: nearly each of them, and nothing else is said of it.
            if check == "not-repeatable":
                plain.add(revision)
            elif severity in ("error", "warning", "unproved"):
                key = (severity, check, revision, " ".join(without_folders(message).split()))
                counted[key] = counted.get(key, 0) + 1
    for (severity, check, revision, message), count in sorted(counted.items()):
        yield f"- {name}, {count}: {severity} `{check}` {revision}: {message.replace('|', chr(92) + '|')}"
    if plain:
        yield f"- {name}: warning `not-repeatable` of {len(plain)} revisions"


def main() -> None:
    """Run what the arguments name, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m scripts.whole", description=__doc__)
    parser.add_argument("--envs", required=True, type=Path, help="directory of the environments and results")
    parser.add_argument("--postgres", type=int, default=15, help="major version of production's server")
    parser.add_argument("--project", action="append", choices=HISTORIES, help="only this one; may be repeated")
    parser.add_argument("--at", action="append", default=[], help="only this revision; the others' results stay")
    parser.add_argument("--page-only", action="store_true", help="write the page from the results of before")
    asked = parser.parse_args()
    envs = asked.envs.resolve()
    if not asked.page_only:
        with production.server(asked.postgres) as server:
            for name in asked.project or HISTORIES:
                _project(name, envs, server, tuple(asked.at))
    files = {name: envs / f"whole-{name}.json" for name in HISTORIES}
    results = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
    PAGE.write_text(page(results), encoding="utf-8")


def _project(name: str, envs: Path, server: production.Server, at: tuple[str, ...]) -> None:
    history, file = HISTORIES[name], envs / f"whole-{name}.json"
    environments.python_of(history, envs)
    results: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    wanted = at or history.revisions
    results = {revision: cases for revision, cases in results.items() if revision not in wanted}
    look = Look(server, name)
    for case in walk.walk(history, envs, server, revisions=wanted, rehearse=look, tell=lambda _: None):
        kept = look.cases[-1]
        results.setdefault(case.at, []).append(kept)
        print(name, case.at, kept["altered"], kept["bare"], kept["tool"], kept["remedies"], flush=True)
        file.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
