"""The projects' virtual environments: made by name with uv, or with venv and pip where there is no uv."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .history import History

_GRAPH = """
import json, sys
from alembic.script import ScriptDirectory
place, versions = sys.argv[1:]
package, _, folder = place.partition(":")
import importlib.util, os
root = os.path.join(os.path.dirname(importlib.util.find_spec(package).origin), folder)
scripts = ScriptDirectory(root, version_locations=[os.path.join(root, versions)] if versions else None)
found = [(each.revision, each.down_revision, each.path) for each in scripts.walk_revisions()]
print(json.dumps({"heads": scripts.get_heads(), "revisions": found}))
"""
_VERSIONS = """
import importlib.metadata as m, json, sys
names = sys.argv[1:] + ["alembic", "sqlalchemy"]
print(json.dumps({name: m.version(name) for name in names}))
"""


@dataclass(frozen=True, slots=True)
class Graph:
    """A project's revisions as its own Alembic reads them.

    Attributes:
        order: every revision, each after those that it builds on.
        down: revision -> what it builds on.
        by_file: name of a revision's file -> revision.
    """

    heads: tuple[str, ...]
    order: tuple[str, ...]
    down: dict[str, tuple[str, ...]]
    by_file: dict[str, str]


def python_of(history: History, envs: Path) -> Path:
    """Return the interpreter of the project's environment, which is made if it isn't there."""
    python = envs / history.name / "bin" / "python"
    if not python.exists():
        uv = shutil.which("uv")
        folder = os.fspath(envs / history.name)
        if uv:
            subprocess.run([uv, "venv", "-q", "--python", "3.12", folder], check=True)
            install = [uv, "pip", "install", "-q", "--python", os.fspath(python)]
        else:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            install = [os.fspath(python), "-m", "pip", "install", "-q"]
        subprocess.run([*install, *history.requirements], check=True)
    return python


def graph(history: History, python: Path) -> Graph:
    """Read the project's revisions."""
    read = json.loads(_ask(python, _GRAPH, history.scripts, history.versions))
    revisions: list[tuple[str, str | list[str] | None, str]] = list(reversed(read["revisions"]))
    return Graph(
        heads=tuple(read["heads"]),
        order=tuple(revision for revision, _, _ in revisions),
        down={revision: _tuple(down) for revision, down, _ in revisions},
        by_file={Path(path).name: revision for revision, _, path in revisions},
    )


def versions(history: History, python: Path) -> dict[str, str]:
    """Return the versions of the project, of Alembic and of SQLAlchemy."""
    found: dict[str, str] = json.loads(_ask(python, _VERSIONS, history.requirements[0]))
    return found


def _tuple(down: str | list[str] | None) -> tuple[str, ...]:
    return () if down is None else (down,) if isinstance(down, str) else tuple(down)


def _ask(python: Path, code: str, *args: str) -> str:
    done = subprocess.run([os.fspath(python), "-c", code, *args], check=True, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1]
