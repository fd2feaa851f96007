"""`python -m scripts.retries --envs DIR`: kill real upgrades at every commit, rehearse them, write docs/retries.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from scripts.histories import HISTORIES, environments, production, runs
from scripts.histories.runs import Workshop

from . import CASES, page
from .bare import Killer

_CUTS = ("--idempotence", "retryable", "--instances", "1", "--severity", "not-repeatable=off")
_PAGE = Path(__file__).resolve().parents[2] / "docs" / "retries.md"


def main() -> int:
    """Run what the arguments name and return 0 if the tool says of each case what happened."""
    parser = argparse.ArgumentParser(prog="python -m scripts.retries", description=__doc__)
    parser.add_argument("--envs", required=True, help="directory of the virtual environments and of the results")
    parser.add_argument("--postgres", type=int, default=15, help="major version of production's server")
    parser.add_argument("--project", action="append", help="only this one; the others' results stay")
    parser.add_argument("--revision", action="append", help="only this one; the others' results stay")
    asked = parser.parse_args()
    envs = Path(asked.envs).resolve()
    file = envs / "retries.json"
    results: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    with production.server(asked.postgres) as server:
        for project, revision in CASES:
            wanted = (not asked.project or project in asked.project) and (
                not asked.revision or revision in asked.revision
            )
            if wanted:
                results[f"{project} {revision}"] = found = _case(project, revision, envs, server)
                file.write_text(json.dumps(results, indent=1), encoding="utf-8")
                print(json.dumps(found, indent=1))
                sys.stdout.flush()
    known = {f"{project} {revision}": (project, revision) for project, revision in CASES}
    _PAGE.write_text(page.page({key: results[key] for key in known if key in results}), encoding="utf-8")
    return int(not all(page.agrees(found) for found in results.values()))


def _case(project: str, revision: str, envs: Path, server: production.Server) -> dict[str, Any]:
    history = HISTORIES[project]
    python = environments.python_of(history, envs)
    graph = environments.graph(history, python)
    before = graph.down[revision][0] if revision else history.revisions[0]
    if revision:
        step = tuple(word.replace("$revision", revision) for word in history.step)
        history = replace(history, upgrade=step)
    with tempfile.TemporaryDirectory(prefix="retries-") as place:
        shop = Workshop(history, python, graph, Path(place, "project"), Path(place, "home"))
        name = f"{project}_retries"
        server.create(name)
        address = server.address(name)
        for argv in (history.start, history.step):
            if argv and (done := shop.run(argv, address, before)).returncode:
                raise SystemExit(f"{project} {before}: {done.stdout[-3000:]}")
        dump = Path(place, "production.sql")
        server.dump(name, dump, rows=history.rows)
        deaths = Killer(shop, server, name).deaths()
        target = ("--target", revision) if revision else ()
        _, report = runs.rehearsed(shop, dump, "--no-from-base", *_CUTS, *target)
    return {
        "project": project,
        "version": environments.versions(history, python)[history.requirements[0]],
        "server": server.cluster.offer.version,
        "revision": revision,
        "before": before,
        "deaths": [death.plain() for death in deaths],
        "findings": [each for each in report.get("findings", ()) if each["check"] == "not-retryable"],
        "notes": [line for line in report.get("notes", ()) if "half-way" in line],
        "verdict": report.get("verdict", "none"),
        "timings": report.get("timings", {}),
    }


if __name__ == "__main__":
    sys.exit(main())
