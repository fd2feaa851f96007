"""The project's own environment: env.py imports the application, so its requirements have to be there.

uv makes it, https://docs.astral.sh/uv/. Poetry and PDM read their own lock files, fetched by uv for that.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from alembic_rehearsal.actions import pythons
from alembic_rehearsal.errors import ProjectError, UsageError

_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_SHELL = {"&&", "||", "|", ";", "&", ">", ">>", "<"}
# The first of these that is there, unless requirements.txt is.
_REQUIREMENTS = (
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
    "requirements-prod.txt",
)
# Debian's packages, and what installers write when what they hold is missing.
_SIGNS = {
    "git": ("git operation failed", "git executable not found", "no such file or directory: 'git'"),
    "libpq-dev gcc": ("pg_config executable not found", "pg_config is required"),
    "gcc libc6-dev": ("command 'gcc' failed", "unable to find a compiler", "command 'cc' failed", "`cc` not found"),
}
_PROJECT_FILES = ("pyproject.toml", "setup.py")
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock")
# What installers write when the project itself is what they can't install, and how it is left out.
_WITHOUT_PROJECT = {
    "poetry": ("--no-root", ("current project could not be installed",)),
    "pdm": ("--no-self", ("installing the project as a package",)),
    "sync": ("--no-install-project", ("build_editable", "failed to build `")),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """How the environment is made.

    Attributes:
        source: what it is made from, for the log.
        folder: where the commands run.
        commands: in this order; each has to succeed.
        fallbacks: what is tried, one after the other, as long as there is no Alembic in it.
    """

    source: str
    folder: Path
    commands: tuple[tuple[str, ...], ...]
    fallbacks: tuple[tuple[str, ...], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """Where the environment and the downloads go.

    Attributes:
        cache: one directory for both, so that files are linked and not copied.
    """

    cache: Path

    @property
    def venv(self) -> Path:
        """Return the virtual environment."""
        return self.cache / "venv"

    @property
    def python(self) -> Path:
        """Return its interpreter."""
        return self.venv / "bin" / "python"

    def prepare(self) -> None:
        """Make pip's cache root's own; pip uses none that belongs to somebody else."""
        pip = self.cache / "pip"
        pip.mkdir(parents=True, exist_ok=True)
        os.chown(pip, os.geteuid(), os.getegid())

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return *environ* as it is for the commands of a plan."""
        return {
            # Poetry would trust its own list, the rest of the image what the system trusts.
            **({"REQUESTS_CA_BUNDLE": _CERTIFICATES} if Path(_CERTIFICATES).is_file() else {}),
            **environ,
            "PATH": os.pathsep.join([str(self.venv / "bin"), environ.get("PATH", os.defpath)]),
            "VIRTUAL_ENV": str(self.venv),
            "UV_PROJECT_ENVIRONMENT": str(self.venv),
            "UV_CACHE_DIR": str(self.cache / "uv"),
            "UV_PYTHON_INSTALL_DIR": str(self.cache / "python"),
            "UV_TOOL_DIR": str(self.cache / "tools"),
            "PIP_CACHE_DIR": str(self.cache / "pip"),
            "POETRY_CACHE_DIR": str(self.cache / "poetry"),
            "PDM_CACHE_DIR": str(self.cache / "pdm"),
            "PDM_IGNORE_SAVED_PYTHON": "1",
            "PDM_CHECK_UPDATE": "0",
        }


def trusting_git(environ: Mapping[str, str]) -> dict[str, str]:
    """Return *environ* with a git that reads the workspace: it is the runner's account's, and git minds whose it is.

    Source: https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory
    """
    count = environ.get("GIT_CONFIG_COUNT", "")
    number = int(count) if count.isdecimal() else 0
    return {
        **environ,
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": "safe.directory",
        f"GIT_CONFIG_VALUE_{number}": "*",
    }


def plan(install: str, root: Path, workspace: Path, *, python_version: str, places: Places) -> Plan:
    """Return how the environment of the project in *root* is made.

    Raises:
        UsageError: there is no such directory.
        ProjectError: nothing says what the project needs, or a command needs a shell.
    """
    if not root.is_dir():
        raise UsageError(f"the directory {root} doesn't exist", fix="The input directory is relative to the workspace.")
    venv = _venv(python_version, places)
    last_resort = ("uv", "pip", "install", "alembic")
    if install != "auto":
        # `--seed`: these are pip's users.
        seeded = (*venv[:2], "--seed", *venv[2:])
        return Plan("the input install", root, (seeded, *_commands(install)), (last_resort,))
    folder, source = source_of(root, workspace)
    venv = _venv(python_version or _poetrys_python(folder, source), places)
    commands, with_groups = _recipe(folder / source, root)
    where = root if source == "uv.lock" else folder
    return Plan(str(folder / source), where, (venv, *commands), (*with_groups, last_resort))


def _venv(python: str, places: Places) -> tuple[str, ...]:
    return ("uv", "venv", "--clear", *(("--python", python) if python else ()), str(places.venv))


def _poetrys_python(folder: Path, source: str) -> str:
    if source != "poetry.lock" or (folder / ".python-version").is_file():
        return ""
    return pythons.specifiers(pythons.poetrys(folder / "pyproject.toml"))


def without_project(command: tuple[str, ...], output: str) -> tuple[str, ...]:
    """Return *command* without the project itself if *output* says that this failed; () otherwise.

    An application has its modules where it starts, and often none that its build backend would find.
    """
    said = output.lower()
    for word, (flag, signs) in _WITHOUT_PROJECT.items():
        if command[0] == "uv" and word in command and any(sign in said for sign in signs):
            return (*command, flag)
    return ()


def _commands(install: str) -> Iterator[tuple[str, ...]]:
    for line in filter(None, map(str.strip, install.splitlines())):
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise ProjectError(f"the input install has a line that is no command: {line}: {error}") from error
        if any(word in _SHELL for word in words):
            raise ProjectError(
                f"the input install has a command for a shell: {line}",
                fix="Each line is one command, run without a shell:\ninstall: |\n  pip install -r a.txt\n"
                "  pip install -r b.txt",
            )
        yield tuple(words)


def source_of(root: Path, workspace: Path) -> tuple[Path, str]:
    """Return folder and name of the nearest file, upwards to the workspace's root, that says what the project needs.

    Raises:
        ProjectError: there is none, or which one is meant isn't clear.
    """
    folders = [folder for folder in (root, *root.parents) if folder == workspace or workspace in folder.parents]
    for folder in folders or [root]:
        found = _in_folder(folder)
        if found in _PROJECT_FILES:
            # A member of a workspace: its lock file is further up.
            for above in folders[folders.index(folder) + 1 :] if folder in folders else ():
                if (above / "uv.lock").is_file():
                    return above, "uv.lock"
        if found:
            return folder, found
    names = ", ".join((*_LOCKS, "requirements.txt", *_PROJECT_FILES))
    raise ProjectError(
        f"nothing in {root} says what the project needs: there is none of {names}",
        fix="Say how it is installed:\ninstall: pip install -r path/to/requirements.txt",
    )


def _in_folder(folder: Path) -> str:
    for name in (*_LOCKS, "requirements.txt", *_REQUIREMENTS):
        if (folder / name).is_file():
            return name
    others = sorted(str(path.relative_to(folder)) for path in folder.glob("requirements*.txt"))
    if len(others) > 1:
        raise ProjectError(
            f"which of these the project needs is not clear: {', '.join(others)}",
            fix=f"install: pip install -r {others[0]}",
        )
    return next(iter((*others, *(name for name in _PROJECT_FILES if (folder / name).is_file()))), "")


def _recipe(source: Path, root: Path) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return the commands, and those that add the groups for development, where some keep Alembic."""
    if source.name == "uv.lock":
        sync = ("uv", "sync", "--frozen", "--directory", str(root))
        return [(*sync, "--no-dev")], [sync]
    if source.name == "poetry.lock":
        poetry = ("uv", "tool", "run", "poetry", "install", "--no-interaction", "--no-ansi")
        return [(*poetry, "--only", "main")], [poetry]
    if source.name == "pdm.lock":
        pdm = ("uv", "tool", "run", "--from", "pdm[locked]", "pdm", "sync", "--no-editable")
        return [(*pdm, "--prod")], [pdm]
    if source.name == "pyproject.toml" and "[build-system]" not in source.read_text(encoding="utf-8", errors="replace"):
        return [("uv", "pip", "install", "--requirements", str(source))], []
    if source.name in _PROJECT_FILES:
        return [("uv", "pip", "install", "--editable", str(source.parent))], []
    return [("uv", "pip", "install", "--requirements", str(source))], []


def advice(output: str) -> str:
    """Return what to do about an installation that failed, as far as its output tells."""
    said = output.lower()
    missing = [package for package, signs in _SIGNS.items() if any(sign in said for sign in signs)]
    if not missing:
        return ""
    return (
        f"The image has no compiler and no git. Install them first:\ninstall: |\n  apt-get update\n"
        f"  apt-get install -y --no-install-recommends {missing[0]}\n  pip install -r requirements.txt"
    )
