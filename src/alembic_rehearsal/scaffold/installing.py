"""The commands that make the project's environment in a job of its own."""

from __future__ import annotations

import posixpath
import re
import shlex
import sys
from pathlib import PurePosixPath
from typing import Any

from alembic_rehearsal.scaffold.facts import Facts

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_POETRY = "POETRY_VIRTUALENVS_IN_PROJECT=true poetry install --no-interaction"
# Backends that look for a package of the project's name and give up without one; where each is told of another.
_BACKENDS = {
    "hatchling": ("hatch", "build"),
    "uv_build": ("uv", "build-backend"),
    "poetry": ("poetry", "packages"),
    "flit": ("flit", "module"),
}


def commands(facts: Facts, *, python: str) -> tuple[tuple[str, ...], str]:
    """Return the commands that make the project's environment, where the tool finds it, and the folder for them."""
    path = PurePosixPath(facts.requirements)
    folder, pip = path.parent.as_posix(), f"{python} -m venv .venv"
    # Without a word uv would take the first that requires-python allows: the tool's.
    chosen = "" if python == "python" else f" --python {facts.python}"
    if path.name == "uv.lock":
        return ("pip install uv", f"uv sync --frozen{chosen}{_without_itself(facts)}"), facts.found.directory
    if path.name == "poetry.lock":
        return ("pip install poetry", f"{_POETRY}{'' if _has_package(facts) else ' --no-root'}"), folder
    if path.name == "pdm.lock":
        return ("pip install pdm", f"pdm sync{'' if _has_package(facts) else ' --no-self'}"), folder
    if path.name == "setup.py" or (path.name == "pyproject.toml" and _is_built(facts)):
        return (pip, ".venv/bin/pip install --editable ."), folder
    if path.name == "pyproject.toml":
        return ("pip install uv", f"uv venv{chosen}", "uv pip install --requirements pyproject.toml"), folder
    if facts.requirements:
        # Requirements in a folder of their own belong to the project above.
        place = folder if len(path.parts) == 1 or path.parent.name != "requirements" else path.parent.parent.as_posix()
        return (pip, f".venv/bin/pip install -r {shlex.quote(posixpath.relpath(path.as_posix(), place))}"), place
    return (), "."


def _without_itself(facts: Facts) -> str:
    """Return the flag without which uv would fail to build a project that is no package.

    Source: https://docs.astral.sh/uv/concepts/projects/config/#project-packaging: without a build system, or with
    `tool.uv.package = false`, it doesn't try to.
    """
    content = _pyproject(facts)
    backend = str(_at(content, "build-system", "build-backend") or "")
    told_of = next((where for name, where in _BACKENDS.items() if backend.startswith(name)), None)
    if told_of is None or _at(content, "tool", *told_of) or _at(content, "tool", "uv", "package") is False:
        return ""
    return "" if _has_package(facts) else " --no-install-project"


def _has_package(facts: Facts) -> bool:
    """Say whether there is a package to install, or the project says itself what is.

    Sources: https://python-poetry.org/docs/pyproject/#packages,
    https://pdm-project.org/latest/reference/pep621/ and https://backend.pdm-project.org/build_config/
    """
    folder = (facts.repository / facts.requirements).parent
    content = _pyproject(facts)
    said = (("poetry", "packages"), ("pdm", "build"), ("pdm", "distribution"))
    if any(_at(content, "tool", *keys) is not None for keys in said):
        return True
    name = _at(content, "project", "name") or _at(content, "tool", "poetry", "name")
    if not isinstance(name, str):
        return True
    module = re.sub(r"[-_.]+", "_", name).lower()
    return any((folder / place / f"{module}{ending}").exists() for place in ("", "src") for ending in ("", ".py"))


def _pyproject(facts: Facts) -> Any:
    try:
        file = (facts.repository / facts.requirements).parent / "pyproject.toml"
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _at(content: Any, *keys: str) -> Any:
    """Return what stands under *keys*, None where nothing does."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _is_built(facts: Facts) -> bool:
    return "[build-system]" in (facts.repository / facts.requirements).read_text(encoding="utf-8", errors="replace")
