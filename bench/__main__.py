"""`python -m bench --envs DIR`: median seconds by hand and by the tool, and their ratios, on four schemas.

"plain" is the rehearsal alone; "checks" has what is tried after it by default too, each with its share.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.histories import HISTORIES
from scripts.histories.environments import graph, python_of
from scripts.histories.production import OWNER, Server, server
from scripts.histories.runs import Workshop

from alembic_rehearsal import postgres
from bench import byhand, large

# Where each production stands: far enough back that the upgrade does something, and passes.
_POINTS = {"optuna": "v2.4.0.a", "mlflow": "867495a8f9d4", "airflow": "29ce7909c52b"}
_LARGE_TABLES = 3000
# What is left out of a plain rehearsal: everything that runs the command once more, or builds the history.
_PLAIN = ("--idempotence", "off", "--severity", "second-run-not-a-no-op=off", "--divergence", "off")
# Steps of a plain rehearsal; the others are the checks'.
_OWN = frozenset(("inspect", "choose", "server", "restore", "clone", "upgrade", "read back", "judge"))


@dataclass(frozen=True)
class Case:
    """One upgrade that passes: where it is run, the dump, the command with `$address` in it."""

    name: str
    folder: Path
    dump: Path
    command: tuple[str, ...]
    environ: dict[str, str]
    python: Path


def main() -> None:
    """Measure the cases that were asked for, one line each."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--envs", type=Path, required=True, help="the projects' virtual environments; made if missing")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[*_POINTS, "large"])
    asked = parser.parse_args()
    binaries = next(Path(o.location) for o in postgres.offers(("local", "embedded"))[0])
    print(f"{asked.runs} runs each, in turn; PostgreSQL from the same binaries; seconds, medians")
    print(
        f"{'schema':8} {'by hand':>8} {'plain':>8} {'ratio':>6} {'bare upgrade':>13} {'plain - bare':>13} "
        f"{'checks':>8} {'ratio':>6}"
    )
    with tempfile.TemporaryDirectory() as place, server() as production:
        for name in asked.only:
            with _case(name, Path(place), production, asked.envs) as case:
                _measure(case, binaries, asked.runs)


@contextmanager
def _case(name: str, place: Path, production: Server, envs: Path) -> Iterator[Case]:
    folder = place / name
    dump = place / f"{name}.sql"
    if name == "large":
        large.write(folder, 5)
        production.create(name)
        production.execute(name, large.schema(_LARGE_TABLES))
        production.dump(name, dump)
        python = Path(sys.executable)
        command = (str(python.parent / "alembic"), "upgrade", "head")
        (folder / "alembic.ini").write_text((folder / "alembic.ini").read_text())
        yield Case(name, folder, dump, command, dict(os.environ), python)
        return
    history = HISTORIES[name]
    python = python_of(history, envs)
    shop = Workshop(history, python, graph(history, python), folder, place / f"{name}-home")
    production.create(name)
    address = production.address(name)
    shop.write(address)
    for argv in (history.start, tuple(part.replace("$revision", _POINTS[name]) for part in history.step)):
        if argv:
            filled = [part.replace("$address", address) for part in argv]
            subprocess.run(filled, cwd=folder, env=shop.environ(address), check=True, capture_output=True)
    production.dump(name, dump)
    shop.write("$address")
    yield Case(name, folder, dump, history.upgrade, shop.environ("$address"), python)


def _measure(case: Case, binaries: Path, runs: int) -> None:
    hand, plain, bare, full = [], [], [], []
    shares: dict[str, list[float]] = {}
    for _ in range(runs):
        with _addressed(case) as (command, environ):
            steps = byhand.seconds(binaries, case.dump, command, cwd=case.folder, environ=environ, roles=(OWNER,))
        hand.append(steps["total"])
        bare.append(steps["upgrade"])
        plain.append(_tool(case, _PLAIN)[0])
        took, timings = _tool(case)
        full.append(took)
        for step in timings.keys() - _OWN:
            shares.setdefault(step, []).append(timings[step])
    by_hand, alone, upgrade, checked = map(statistics.median, (hand, plain, bare, full))
    print(
        f"{case.name:8} {by_hand:8.2f} {alone:8.2f} {alone / by_hand:6.2f} {upgrade:13.2f} {alone - upgrade:13.2f} "
        f"{checked:8.2f} {checked / alone:6.2f}",
        flush=True,
    )
    print("   ", ", ".join(f"{step} {statistics.median(took):.2f}" for step, took in shares.items()), flush=True)


@contextmanager
def _addressed(case: Case) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Put the address of the server made by hand into the project's files; the port is always the same."""
    address = f"{OWNER}@127.0.0.1:54987/app"
    kept = {path: path.read_text() for path in case.folder.glob("*.ini")}
    for path, text in kept.items():
        path.write_text(text.replace("$address", address))
    command = [part.replace("$address", address) for part in case.command]
    program = case.python.parent / command[0]
    try:
        yield [str(program) if program.exists() else command[0], *command[1:]], case.environ
    finally:
        for path, text in kept.items():
            path.write_text(text)


def _tool(case: Case, flags: tuple[str, ...] = ()) -> tuple[float, dict[str, float]]:
    """Return the seconds that a rehearsal took, by the clock and step by step."""
    nowhere = "deploy@db.production.example:5432/app"
    environ = {name: value.replace("$address", nowhere) for name, value in case.environ.items()}
    kept = {path: path.read_text() for path in case.folder.glob("*.ini")}
    for path, text in kept.items():
        path.write_text(text.replace("$address", nowhere))
    argv = [sys.executable, "-m", "alembic_rehearsal", "run", "--dump", str(case.dump), "--python", str(case.python)]
    argv += ["--format", "json", *flags]
    if case.command[0] not in ("alembic", str(case.python.parent / "alembic")):
        argv += ["--command", " ".join(case.command).replace("$address", nowhere)]
    began = time.perf_counter()
    done = subprocess.run(argv, cwd=case.folder, env=environ, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    for path, text in kept.items():
        path.write_text(text)
    if done.returncode:
        sys.exit(f"{case.name}: the rehearsal did not pass: {done.stdout}{done.stderr}")
    return took, json.loads(done.stdout)["timings"]


if __name__ == "__main__":
    main()
