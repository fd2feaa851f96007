#!/usr/bin/env python3
"""Sets up what is needed and runs it: `python3 dev.py example`, `python3 dev.py test`, `python3 dev.py lint`.

Needs Python 3.10 or later and nothing else; everything goes into .venv beside this file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# One more than there are processors: some tests wait for servers and containers.
WORKERS = str(min(4, 1 + (os.cpu_count() or 1)))
EXAMPLE = ("run", "-d", "examples/sso_sessions", "--dump", "examples/sso_sessions/production.sql")


def set_up(*, tests: bool) -> None:
    """Make .venv and install the project into it, unless that was done for this pyproject.toml already."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    stamp = VENV / f"set-up-for-{'tests' if tests else 'example'}"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    if not PYTHON.exists():
        try:
            venv.create(VENV, with_pip=True)
        except subprocess.CalledProcessError:
            shutil.rmtree(VENV, ignore_errors=True)
            sys.exit("this Python can't make virtual environments; on Debian: apt-get install python3-venv")
    pip = (str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--upgrade", "pip")
    run(*pip, "-e", f"{ROOT}[embedded]", *(("--group", f"{ROOT / 'pyproject.toml'}:dev") if tests else ()))
    stamp.write_text(wanted)


def run(*argv: str) -> None:
    """Run *argv* in the project's root and end with its status if that isn't 0."""
    status = subprocess.call(argv, cwd=ROOT)
    if status:
        sys.exit(status)


def example() -> None:
    """Rehearse the sso_sessions incident on the embedded server: the report says BLOCKED, as it should."""
    set_up(tests=False)
    tool = str(VENV / "bin" / "alembic-rehearsal")
    status = subprocess.call([tool, *EXAMPLE, "--postgres", "embedded", *sys.argv[2:]], cwd=ROOT)
    if status != 1:
        sys.exit(status or 4)


def lint() -> None:
    """Run what needs no server: lint and types."""
    set_up(tests=True)
    os.environ["PATH"] = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    run("ruff", "check", ".")
    run("ruff", "format", "--check", ".")
    run("mypy")


def test() -> None:
    """Run lint, types and the whole suite; further arguments go to pytest."""
    lint()
    # The tests start the tool some thousand times; it isn't to be compiled anew each time.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    run("pytest", *(sys.argv[2:] or ("-n", WORKERS, "--dist", "loadfile", "--no-loadscope-reorder")))


if __name__ == "__main__":
    commands = {"example": example, "test": test, "lint": lint}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(f"usage: {sys.argv[0]} {{{','.join(commands)}}}")
    commands[sys.argv[1]]()
