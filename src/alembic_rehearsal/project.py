"""The project: its interpreter, its configuration file, the command that migrates it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from alembic_rehearsal import blueprint, proc
from alembic_rehearsal.errors import ProcessFailed, ProjectError
from alembic_rehearsal.model import Options, Project

_SKIPPED = {"node_modules", "site-packages", "__pycache__"}


def find(options: Options, environ: Mapping[str, str]) -> Project:
    """Return the project that *options* names, on this machine or in the application's image.

    Raises:
        ProjectError: there is no such directory, interpreter, console script or configuration file; no such image.
        ServerError: no container engine answers.
    """
    if options.app_image:
        # Not at the top: the engine's SDK takes longer to import than all of this.
        from alembic_rehearsal import appimage

        return appimage.find(options, environ)
    root = Path(options.directory).absolute()
    if not root.is_dir():
        raise ProjectError(f"the project's directory {root} doesn't exist")
    python, found_by = _interpreter(options, root, environ)
    argv = _command(options, root, python, environ)
    return Project(
        root=str(root),
        python=str(python),
        found_by=found_by,
        argv=argv,
        platform=options.platform or platform(root),
    )


def _interpreter(options: Options, root: Path, environ: Mapping[str, str]) -> tuple[Path, str]:
    if options.python:
        named = shutil.which(options.python, path=environ.get("PATH")) or options.python
        python = Path(root, named) if os.sep in named else Path(named)
        if not os.access(python, os.X_OK) or python.is_dir():
            raise ProjectError(
                f"--python {options.python} is no program that can be run",
                fix="Name the interpreter that has the project's requirements: --python .venv/bin/python",
            )
        return python.absolute(), "--python"
    for python, found_by in _candidates(root, environ):
        if python.is_file() and (options.command or _console_script(python)):
            return python.absolute(), found_by
    raise ProjectError(
        f"no Python environment with Alembic was found for {root}",
        fix="Install the project's requirements into .venv, or name its interpreter: --python PATH",
    )


def _candidates(root: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Yield interpreters with how each was found, the likeliest first."""
    if active := environ.get("VIRTUAL_ENV"):
        yield Path(active, "bin", "python"), "active virtual environment"
    if named := environ.get("UV_PROJECT_ENVIRONMENT"):
        yield Path(root, named, "bin", "python"), "UV_PROJECT_ENVIRONMENT"
    for folder in (root, *root.parents):
        for name in (".venv", "venv", "env"):
            yield folder / name / "bin" / "python", f"{name} in {folder}"
        if (folder / ".pdm-python").is_file():
            text = (folder / ".pdm-python").read_text(encoding="utf-8").strip()
            yield Path(text), "pdm"
        if (folder / "poetry.lock").is_file() and (python := _poetry(folder, environ)):
            yield python, "poetry"
        if (folder / ".git").exists():
            break
    if conda := environ.get("CONDA_PREFIX"):
        yield Path(conda, "bin", "python"), "active conda environment"
    yield Path(sys.executable), "the tool's own environment"
    if python_on_path := shutil.which("python3", path=environ.get("PATH")):
        yield Path(python_on_path), "python3 on PATH"


def _poetry(folder: Path, environ: Mapping[str, str]) -> Path | None:
    """Return the interpreter of poetry's environment, kept outside the project by default."""
    poetry = shutil.which("poetry", path=environ.get("PATH"))
    if poetry is None:
        return None
    try:
        found = proc.run([poetry, "env", "info", "--executable"], timeout_s=30, cwd=folder)
    except ProcessFailed:
        return None
    return Path(found.stdout.decode().strip())


def _console_script(python: Path) -> Path | None:
    """Return the environment's own `alembic`: with `python -m alembic` a folder alembic/ would shadow it."""
    script = python.parent / "alembic"
    if script.is_file():
        return script
    if python == Path(sys.executable):
        script = Path(sysconfig.get_path("scripts"), "alembic")
        return script if script.is_file() else None
    return None


def _command(options: Options, root: Path, python: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    if options.command:
        argv = shlex.split(options.command)
        if not argv:
            raise ProjectError("--command is empty", fix='Give a command: --command "flask db upgrade"')
        path = os.pathsep.join([str(python.parent), environ.get("PATH", os.defpath)])
        program = argv[0] if os.sep in argv[0] else shutil.which(argv[0], path=path)
        if program is None or not Path(root, program).exists():
            raise ProjectError(
                f"{argv[0]} is neither in {python.parent} nor on PATH",
                fix="Install the project's requirements, or name its interpreter: --python PATH",
            )
        return (str(program), *argv[1:])
    script = _console_script(python)
    if script is None:
        raise ProjectError(
            f"there is no alembic console script beside {python}",
            fix="Install Alembic into the project's environment, or name another interpreter: --python PATH",
        )
    if not environ.get("ALEMBIC_CONFIG"):
        _require_config(options, root)
    return upgrade(str(script), options)


def upgrade(script: str, options: Options) -> tuple[str, ...]:
    """Return the command that *options* ask of Alembic's console script."""
    extra = [part for value in options.x for part in ("-x", value)]
    config = ["-c", options.config] if options.config else []
    name = ["-n", options.name] if options.name else []
    return (script, *config, *name, *extra, "upgrade", options.target)


def _require_config(options: Options, root: Path) -> None:
    if options.config:
        if not Path(root, options.config).is_file():
            raise ProjectError(f"the configuration file {Path(root, options.config)} doesn't exist")
        return
    if (root / "alembic.ini").is_file() or _configured_by_pyproject(root):
        return
    elsewhere = sorted(str(path.relative_to(root)) for path in _inis(root, depth=3))
    raise ProjectError(
        f"there is no alembic.ini in {root}",
        fix="\n".join(f"--config {path}" for path in elsewhere)
        or 'Change to the project\'s directory, or say what migrates it: --command "flask db upgrade"',
    )


def _configured_by_pyproject(root: Path) -> bool:
    """Say whether pyproject.toml has [tool.alembic], which Alembic reads from 1.16 on."""
    path = root / "pyproject.toml"
    return path.is_file() and "[tool.alembic]" in path.read_text(encoding="utf-8", errors="replace")


def _inis(folder: Path, depth: int) -> Iterator[Path]:
    for child in folder.iterdir():
        if child.name == "alembic.ini":
            yield child
        elif depth and child.is_dir() and child.name not in _SKIPPED and not child.name.startswith("."):
            yield from _inis(child, depth - 1)


def platform(root: Path) -> str:
    """Return "render" for a project with a Blueprint, https://render.com/docs/blueprint-spec."""
    return "render" if blueprint.find(root) else ""


def environment(project: Project, environ: Mapping[str, str], probe: Path) -> dict[str, str]:
    """Return *environ* as it is for the command: the project's environment active, the probe in front."""
    bin_dir = Path(project.python).parent
    result = dict(environ)
    result["PATH"] = os.pathsep.join([str(bin_dir), environ.get("PATH", os.defpath)])
    if (bin_dir.parent / "pyvenv.cfg").is_file():
        result["VIRTUAL_ENV"] = str(bin_dir.parent)
    before = environ.get("PYTHONPATH", "")
    result["PYTHONPATH"] = os.pathsep.join(part for part in (str(probe), before) if part)
    result.pop("PYTHONHOME", None)
    return result


def readable(argv: tuple[str, ...]) -> str:
    """Return the command as one would type it, without the path of the interpreter's folder."""
    return shlex.join((re.sub(r"^.*/", "", argv[0]), *argv[1:])) if argv else ""
