"""The project as it is in the application's image: its interpreter, its command, its variables."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alembic_rehearsal import configured, project
from alembic_rehearsal.appimage import files
from alembic_rehearsal.appimage.search import Search
from alembic_rehearsal.errors import ProjectError, ServerError, UsageError
from alembic_rehearsal.model import AppImage, Options, Project
from alembic_rehearsal.postgres import engine

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
            search = Search(options, inside, _root(options, config, inside), variables)
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
        if not name:
            raise UsageError(
                "--app-env has a value and no variable's name", fix="--app-env NAME=VALUE, or --app-env NAME"
            )
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
