"""The project as it is in the application's image: its interpreter, its command, its variables."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic_rehearsal import configured, project
from alembic_rehearsal.appimage import files
from alembic_rehearsal.errors import ProjectError, ServerError, UsageError
from alembic_rehearsal.model import AppImage, Options, Project
from alembic_rehearsal.postgres import engine

_PYTHONS = ("python3", "python")
# Where an image's environment lies when it isn't on PATH: `uv run` and `poetry run` find it by themselves.
_ENVIRONMENTS = (".venv/bin", "venv/bin", "env/bin")
# What an image gets without a PATH of its own, defaultPathEnv of the engine.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find(options: Options, environ: Mapping[str, str]) -> Project:
    """Return the project in the image that *options* name, which is fetched if it isn't here.

    Raises:
        UsageError: a variable for the image has no value.
        ProjectError: there is no such image, or no Python, command or configuration file in it.
        ServerError: no engine answers.
    """
    added = _added(options.app_env, environ)
    if not Path(options.directory).is_dir():
        raise ProjectError(f"the project's directory {Path(options.directory).absolute()} doesn't exist")
    with engine.connected(engine.PING_TIMEOUT_S) as api:
        try:
            engine.pull_if_missing(api, options.app_image)
        except ServerError as error:
            raise ProjectError(str(error), fix=_missing(options.app_image)) from error
        facts = api.inspect_image(options.app_image)  # type: ignore[no-untyped-call]
        config = facts.get("Config") or {}
        variables = _variables(config) | added
        with files.of(api, facts["Id"]) as inside:
            search = _Search(options, inside, _root(options, config, inside), variables)
            argv = search.command()
            python = search.interpreter(argv[0])
    variables["PATH"] = ":".join(search.path_for(argv[0]))
    if named := configured.urls(Path(options.directory), {}):
        # Set where it is not, in the shape that the project's own files give it: the driver is part of it.
        variables.setdefault("DATABASE_URL", named[0])
    return Project(
        root=search.root,
        python=python,
        found_by="in the image",
        argv=argv,
        platform=options.platform or project.platform(Path(options.directory).absolute()),
        image=AppImage(options.app_image, facts["Id"], options.directory, variables),
    )


def _missing(name: str) -> str:
    return (
        f"docker pull {name}\n"
        "or build it first, in an earlier step of the same job: the engine's own images need no registry.\n"
        "A private registry's credentials have to be in this process's ~/.docker/config.json; docker/login-action\n"
        "leaves them out of an action's reach, so pull in a step of its own there."
    )


def _added(given: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals and name not in environ:
            raise UsageError(f"--app-env {name}: this process has no such variable", fix=f"--app-env {name}=VALUE")
        found[name] = value if equals else environ[name]
    return found


def _variables(config: Mapping[str, Any]) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in config.get("Env") or ())
    return {"PATH": _PATH} | {name: value for name, _, value in pairs}


def _root(options: Options, config: Mapping[str, Any], inside: files.Files) -> str:
    own = config.get("WorkingDir") or "/"
    root = posixpath.normpath(posixpath.join(own, options.app_directory))
    if options.app_directory and not inside.is_directory(root):
        raise ProjectError(
            f"there is no directory {root} in the image {options.app_image}", fix=f"WORKDIR there is {own}"
        )
    return root


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for, and where in the image."""

    options: Options
    inside: files.Files
    root: str
    variables: Mapping[str, str]

    @property
    def path(self) -> tuple[str, ...]:
        """Return where programs are, the named interpreter's folder first."""
        named = self.options.python
        first = [posixpath.dirname(posixpath.join(self.root, named))] if "/" in named else []
        return (*first, *(folder for folder in self.variables["PATH"].split(":") if folder))

    @property
    def environments(self) -> tuple[str, ...]:
        """Return where the programs of an environment in the project's directory are."""
        return tuple(posixpath.join(self.root, each) for each in _ENVIRONMENTS)

    def path_for(self, program: str) -> tuple[str, ...]:
        """Return the PATH that *program* gets: that of an environment is active."""
        folder = posixpath.dirname(program)
        return (folder, *self.path) if folder in self.environments and folder not in self.path else self.path

    def program(self, name: str) -> str:
        """Return the absolute path of a program, "" when there is none."""
        if "/" in name:
            return self.inside.program(posixpath.normpath(posixpath.join(self.root, name)), ("/",))
        return self.inside.program(name, (*self.path, *self.environments))

    def command(self) -> tuple[str, ...]:
        """Return the command with its program's path."""
        options = self.options
        words = shlex.split(options.command)
        if options.command and not words:
            raise ProjectError("--command is empty", fix='Give a command: --command "flask db upgrade"')
        program = self.program(words[0] if words else "alembic")
        if not program:
            raise ProjectError(
                f"the image {options.app_image} has no program {words[0] if words else 'alembic'}: it is not in "
                f"{':'.join(self.path)}",
                fix="Is it the image that is deployed, with Alembic among its requirements? If it is elsewhere:\n"
                "    --python /path/in/the/image/bin/python\n"
                '    --command "python -m alembic upgrade head"',
            )
        if words:
            return (program, *words[1:])
        if not self.variables.get("ALEMBIC_CONFIG"):
            self._require_config()
        return project.upgrade(program, options)

    def _require_config(self) -> None:
        asked = self.options.config
        if self.inside.is_file(posixpath.join(self.root, asked or "alembic.ini")):
            return
        if not asked and b"[tool.alembic]" in self.inside.read(posixpath.join(self.root, "pyproject.toml"), 1 << 20):
            return
        raise ProjectError(
            f"there is no {asked or 'alembic.ini'} in {self.root} of the image {self.options.app_image}",
            fix="Say where it is in the image, or where the command starts:\n"
            "    --config path/to/alembic.ini\n    --app-directory /path/in/the/image",
        )

    def interpreter(self, program: str) -> str:
        """Return the interpreter of *program*, or one that is there."""
        beside = posixpath.dirname(program)
        line = self.inside.read(program, 256).split(b"\n", 1)[0].decode(errors="replace")
        # "#!/opt/venv/bin/python3", "#!/usr/bin/env python3"; a path too long for the kernel stands behind "#!/bin/sh".
        named = re.search(r"^#!\s*(?:\S*/env\s+)?(\S*(?:python|pypy)[\w.]*)(?:\s|$)", line)
        wanted = (self.options.python, named[1] if named else "")
        for each in filter(None, wanted):
            if found := self.program(each):
                return found
            if each == self.options.python:
                raise ProjectError(f"--python {each} is no program in the image {self.options.app_image}")
        for name in _PYTHONS:
            if found := self.inside.program(name, (beside,)) or self.program(name):
                return found
        raise ProjectError(
            f"there is no Python in the image {self.options.app_image}: not in {':'.join(self.path)}",
            fix="Name the image that the application runs in, or its interpreter: --python /path/in/it/bin/python",
        )
