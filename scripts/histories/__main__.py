"""`python -m scripts.histories --envs DIR`: run the histories, keep the results, write docs/histories.md."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from . import HISTORIES, environments, page, production, walk
from .history import History
from .walk import Case

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "histories.md"


def main() -> int:
    """Run what the arguments name and return 0 if every case agrees."""
    asked = _parser().parse_args()
    envs = Path(asked.envs).resolve()
    envs.mkdir(parents=True, exist_ok=True)
    results = _Results(envs / "histories.json")
    if not asked.page_only:
        with production.server(asked.postgres) as server:
            for name in asked.project or HISTORIES:
                _project(HISTORIES[name], envs, server, asked, results)
    _PAGE.write_text(page.page(results.content, HISTORIES), encoding="utf-8")
    disagree = results.disagreements()
    print(f"{len(disagree)} disagree")
    return 1 if disagree else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.histories", description=__doc__)
    parser.add_argument("--envs", required=True, help="directory of the virtual environments and of the results")
    parser.add_argument("--postgres", type=int, default=15, help="major version of production's server")
    parser.add_argument("--project", action="append", choices=HISTORIES, help="only this one; may be repeated")
    parser.add_argument("--at", action="append", default=[], help="only this revision; the others' results stay")
    parser.add_argument("--kind", action="append", default=[], help="only this kind of alteration; the results stay")
    parser.add_argument("--most", type=int, default=4, help="altered cases of one revision (default: 4)")
    parser.add_argument("--verbose", action="store_true", help="show the bare output of a case that disagrees")
    parser.add_argument("--page-only", action="store_true", help="write the page from the results of before")
    return parser


class _Results:
    """What was found so far, on disk after every case."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.content: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}

    def begin(self, history: History, facts: dict[str, Any], at: tuple[str, ...]) -> None:
        """Forget what is going to be found anew."""
        before = self.content.get(history.name, {}).get("cases", [])
        self.content[history.name] = {**facts, "cases": [case for case in before if case["at"] not in at]}

    def add(self, case: Case) -> None:
        """Keep a case."""
        self.content[case.project]["cases"].append(case.plain())
        self._file.write_text(json.dumps(self.content, indent=1), encoding="utf-8")

    def disagreements(self) -> list[dict[str, Any]]:
        """Return the cases that don't agree."""
        return [case for found in self.content.values() for case in found["cases"] if not case["agrees"]]


def _project(
    history: History, envs: Path, server: production.Server, asked: argparse.Namespace, results: _Results
) -> None:
    began = time.monotonic()
    at = tuple(asked.at) or history.revisions
    python = environments.python_of(history, envs)
    facts = {
        "versions": environments.versions(history, python),
        "server": server.cluster.offer.version,
        "command": shlex.join(history.upgrade).replace("'", "").replace("$address", "..."),
        "revisions": len(environments.graph(history, python).order),
    }
    if not asked.kind:
        results.begin(history, facts, at)

    def hear(case: Case) -> None:
        _tell(case, asked.verbose, time.monotonic() - began)
        if not asked.kind:
            results.add(case)

    for _ in walk.walk(history, envs, server, revisions=at, kinds=tuple(asked.kind), most=asked.most, tell=hear):
        pass


def _tell(case: Case, verbose: bool, seconds: float) -> None:
    mark = "      " if case.agrees else "DIFFER"
    print(f"{seconds:6.0f}s {mark} {case.project} {case.at}: {case.alteration} {case.what}")
    print(f"        bare {case.bare.place()} log {case.bare.logged}")
    if case.cause_wanted:
        print(f"        cause {case.tool.cause or 'none'}, wanted {case.cause_wanted}")
    if not case.agrees:
        print(f"        tool {case.tool.place()}\n             {case.tool.output[-1500:]}")
        if verbose:
            print(case.bare.output[-6000:])
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
