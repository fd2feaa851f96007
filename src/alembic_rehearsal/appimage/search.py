"""Looks for the command and its interpreter in an image, as a shell would that starts there."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from alembic_rehearsal import project
from alembic_rehearsal.appimage import files
from alembic_rehearsal.errors import ProjectError
from alembic_rehearsal.model import Options

_PYTHONS = ("python3", "python")
# Where an image's environment lies when it isn't on PATH: `uv run` and `poetry run` find it by themselves.
_ENVIRONMENTS = (".venv/bin", "venv/bin", "env/bin")


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, and where in the image.

    Attributes:
        root: where the command starts.
        variables: the environment there.
    """

    options: Options
    inside: files.Files
    root: str
    variables: Mapping[str, str]

    @property
    def path(self) -> tuple[str, ...]:
        """Return where programs are, the named interpreter's folder first."""
        python = self.options.python
        first = [posixpath.dirname(posixpath.join(self.root, python))] if "/" in python else []
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
        """Return the command with its program's path.

        Raises:
            ProjectError: there is no such program, or no configuration file for it.
        """
        options = self.options
        words = shlex.split(options.command)
        if options.command and not words:
            raise ProjectError("--command is empty", fix='Give a command: --command "flask db upgrade"')
        program = self.program(words[0]) if words else self._alembic()
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

    def _alembic(self) -> str:
        """Return the console script, which has to stand beside the interpreter if that was named."""
        named = self.named()
        return self.inside.program("alembic", (posixpath.dirname(named),)) if named else self.program("alembic")

    def named(self) -> str:
        """Return the path of the interpreter that was asked for, "" when none was.

        Raises:
            ProjectError: it isn't there.
        """
        asked = self.options.python
        found = self.program(asked) if asked else ""
        if asked and not found:
            raise ProjectError(
                f"--python {asked} is no program in the image {self.options.app_image}",
                fix="With --app-image it is a path in the image: --python /opt/venv/bin/python",
            )
        return found

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
        """Return the interpreter of *program*, or one that is there.

        Raises:
            ProjectError: there is none.
        """
        if named := self.named():
            return named
        line = self.inside.read(program, 256).split(b"\n", 1)[0].decode(errors="replace")
        # "#!/opt/venv/bin/python3", "#!/usr/bin/env python3"; a path too long for the kernel stands behind "#!/bin/sh".
        own = re.search(r"^#!\s*(?:\S*/env\s+)?(\S*(?:python|pypy)[\w.]*)(?:\s|$)", line)
        if own and (found := self.program(own[1])):
            return found
        for name in _PYTHONS:
            if found := self.inside.program(name, (posixpath.dirname(program),)) or self.program(name):
                return found
        raise ProjectError(
            f"there is no Python in the image {self.options.app_image}: not in {':'.join(self.path)}",
            fix="Name the image that the application runs in, or its interpreter: --python /path/in/it/bin/python",
        )
