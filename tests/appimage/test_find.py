"""The project as it is found in an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fix_images import PASSES, Build, docker, project

from alembic_rehearsal.appimage import find
from alembic_rehearsal.errors import ProjectError, UsageError
from alembic_rehearsal.model import Options, Project

pytestmark = pytest.mark.docker

# What pip writes where the interpreter's path is too long for the kernel.
TRAMPOLINE = """#!/bin/sh
'''exec' /a/very/long/path/to/python "$0" "$@"
' '''
"""


@pytest.fixture
def image(build: Build, tmp_path: Path) -> str:
    """Alembic is in an environment of the project's directory, as uv and poetry make it, and not on PATH."""
    made = project(tmp_path / "project", PASSES)
    (made / "alembic").write_text(TRAMPOLINE)
    (made / "pyproject.toml").write_text("[tool.alembic]\n")
    return build(
        made,
        "RUN mkdir -p /srv/.venv/bin && mv pyproject.toml /srv/ && mv /usr/local/bin/alembic /srv/.venv/bin/",
        "RUN mkdir /long && mv alembic /long/ && ln -s /usr/local/bin/python3 /long/",
        "RUN chmod +x /long/alembic && ln -s alembic /long/linked",
        "ENV SETTING=a=b",
    )


def found(image: str, environ: dict[str, str] | None = None, **given: object) -> Project:
    return find(Options(dump="d.sql", app_image=image, **given), environ or {})  # type: ignore[arg-type]


def test_an_environment_in_the_projects_directory_is_active(image: str) -> None:
    """Its `alembic` is the command, its folder comes first on PATH; the interpreter is that of its first line."""
    project = found(image, app_directory="/srv", x=("a=1",), target="heads")

    assert project.argv == ("/srv/.venv/bin/alembic", "-x", "a=1", "upgrade", "heads")
    assert (project.root, project.python) == ("/srv", "/usr/local/bin/python3.13")
    assert project.image is not None
    assert project.image.environ["PATH"].startswith("/srv/.venv/bin:/usr/local/bin:")
    assert project.image.environ["SETTING"] == "a=b"


def test_an_interpreter_stands_beside_a_script_that_does_not_name_one(image: str) -> None:
    """A path that is too long for the kernel is in the script's second line; a link leads to the script."""
    project = found(image, command="/long/linked --sql")

    assert (project.argv, project.python) == (("/long/linked", "--sql"), "/long/python3")


def test_an_image_may_be_named_by_its_id(image: str) -> None:
    """A build's output is one."""
    name = docker("image", "inspect", "-f", "{{.Id}}", image)

    project = found(name, app_directory="/srv")

    assert project.image is not None
    assert project.image.id == project.image.name == name


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "has no program alembic"),
        ({"app_directory": "/nowhere"}, "there is no directory /nowhere in the image"),
        ({"app_directory": "/srv", "config": "other.ini"}, "there is no other.ini in /srv"),
        ({"app_directory": "/srv", "python": "/opt/none/bin/python"}, "--python /opt/none/bin/python is no program"),
        ({"app_directory": "/srv", "python": "python3"}, "has no program alembic"),
        ({"command": " "}, "--command is empty"),
        ({"directory": "no/such/folder"}, "no/such/folder doesn't exist"),
    ],
)
def test_what_is_not_there_is_named(image: str, given: dict[str, Any], message: str) -> None:
    """With what to do about it."""
    with pytest.raises(ProjectError, match=message) as error:
        found(image, **given)

    assert error.value.fix or "directory" in given


def test_a_variable_without_a_value_is_wrong_usage(image: str) -> None:
    """A misspelt name would only show in the application."""
    with pytest.raises(UsageError, match="--app-env TOKEN: this process has no such variable"):
        found(image, app_directory="/srv", app_env=("TOKEN",))
    with pytest.raises(UsageError, match="--app-env has a value and no variable's name"):
        found(image, app_directory="/srv", app_env=("=x",))

    project = found(image, {"TOKEN": "t", "OTHER": "o"}, app_directory="/srv", app_env=("TOKEN", "A="))

    assert project.image is not None
    assert {"TOKEN", "A", "OTHER"} & set(project.image.environ) == {"TOKEN", "A"}
