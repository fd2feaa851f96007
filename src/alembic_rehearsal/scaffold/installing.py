"""The commands that make the project's environment in a job of its own."""

from __future__ import annotations

import posixpath
import re
import shlex
from pathlib import PurePosixPath

from alembic_rehearsal.scaffold.facts import Facts

_POETRY = "POETRY_VIRTUALENVS_IN_PROJECT=true poetry install --no-interaction"


def commands(facts: Facts, *, python: str) -> tuple[tuple[str, ...], str]:
    """Return the commands that make the project's environment, where the tool finds it, and the folder for them."""
    path = PurePosixPath(facts.requirements)
    folder, pip = path.parent.as_posix(), f"{python} -m venv .venv"
    # Without a word uv would take the first that requires-python allows: the tool's.
    chosen = "" if python == "python" else f" --python {facts.python}"
    if path.name == "uv.lock":
        return ("pip install uv", f"uv sync --frozen{chosen}"), facts.found.directory
    if path.name == "poetry.lock":
        return ("pip install poetry", f"{_POETRY}{'' if _has_package(facts) else ' --no-root'}"), folder
    if path.name == "pdm.lock":
        return ("pip install pdm", "pdm sync"), folder
    if path.name == "setup.py" or (path.name == "pyproject.toml" and _is_built(facts)):
        return (pip, ".venv/bin/pip install --editable ."), folder
    if path.name == "pyproject.toml":
        return ("pip install uv", f"uv venv{chosen}", "uv pip install --requirements pyproject.toml"), folder
    if facts.requirements:
        # Requirements in a folder of their own belong to the project above.
        place = folder if len(path.parts) == 1 or path.parent.name != "requirements" else path.parent.parent.as_posix()
        return (pip, f".venv/bin/pip install -r {shlex.quote(posixpath.relpath(path.as_posix(), place))}"), place
    return (), "."


def _has_package(facts: Facts) -> bool:
    """Say whether Poetry finds a package to install; without one it gives up, and the application needs none.

    Source: https://python-poetry.org/docs/pyproject/#packages
    """
    folder = (facts.repository / facts.requirements).parent
    file = folder / "pyproject.toml"
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    name = re.search(r"""^name\s*=\s*["']([\w.-]+)""", text, re.MULTILINE)
    if name is None or re.search(r"^packages\s*=", text, re.MULTILINE):
        return True
    module = re.sub(r"[-_.]+", "_", name[1]).lower()
    return any((folder / place / f"{module}{ending}").exists() for place in ("", "src") for ending in ("", ".py"))


def _is_built(facts: Facts) -> bool:
    return "[build-system]" in (facts.repository / facts.requirements).read_text(encoding="utf-8", errors="replace")
