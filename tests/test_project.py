"""The project's interpreter and command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from alembic_rehearsal import configured, project
from alembic_rehearsal.errors import ProjectError
from alembic_rehearsal.model import Options, Project


def environment(folder: Path, *scripts: str) -> Path:
    """Make what looks like a virtual environment with these console scripts, and return its interpreter."""
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    for name in ("python", *scripts):
        (folder / "bin" / name).write_text("#!/bin/sh\n")
        (folder / "bin" / name).chmod(0o755)
    return folder / "bin" / "python"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "alembic.ini").write_text("[alembic]\n")
    (folder / ".git").mkdir()
    return folder


def find(root: Path, environ: dict[str, str] | None = None, **options: object) -> Project:
    asked = Options(dump="d.sql", directory=str(root), **options)  # type: ignore[arg-type]
    return project.find(asked, {"PATH": "/usr/bin:/bin", **(environ or {})})


def test_the_active_environment_comes_first(root: Path, tmp_path: Path) -> None:
    """Whoever activated one means it, also where the project has a .venv."""
    environment(root / ".venv", "alembic")
    active = environment(tmp_path / "active", "alembic")

    found = find(root, {"VIRTUAL_ENV": str(tmp_path / "active")})

    assert (found.python, found.found_by) == (str(active), "active virtual environment")
    assert found.argv == (str(active.parent / "alembic"), "upgrade", "head")


def test_an_environment_without_alembic_is_passed_over(root: Path, tmp_path: Path) -> None:
    """The tool's own environment may be the active one, when the project's lies beside it."""
    environment(tmp_path / "active")
    own = environment(root / ".venv", "alembic")

    assert find(root, {"VIRTUAL_ENV": str(tmp_path / "active")}).python == str(own)


def test_looks_upwards_to_the_repository_and_no_further(root: Path) -> None:
    """A service in a monorepo uses the environment at its root; a .venv above the repository is somebody else's."""
    service = root / "services" / "api"
    service.mkdir(parents=True)
    (service / "alembic.ini").write_text("[alembic]\n")
    own = environment(root / ".venv", "alembic")
    environment(root.parent / ".venv", "alembic")

    assert find(service).python == str(own)
    (root / ".venv" / "bin" / "alembic").unlink()
    assert find(service).found_by == "the tool's own environment"


def test_uv_and_pdm_say_where_their_environment_is(root: Path, tmp_path: Path) -> None:
    """UV_PROJECT_ENVIRONMENT, and pdm's file."""
    uv = environment(tmp_path / "uv", "alembic")
    pdm = environment(tmp_path / "pdm", "alembic")
    (root / ".pdm-python").write_text(f"{pdm}\n")

    assert find(root, {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "uv")}).python == str(uv)
    assert find(root).python == str(pdm)


def test_poetry_is_asked(root: Path, tmp_path: Path) -> None:
    """Its environments lie outside the project."""
    poetry = environment(tmp_path / "poetry-env", "alembic")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "poetry").write_text(f"#!/bin/sh\necho {poetry}\n")
    (tools / "poetry").chmod(0o755)
    (root / "poetry.lock").touch()

    found = find(root, {"PATH": f"{tools}:/usr/bin:/bin"})

    assert (found.python, found.found_by) == (str(poetry), "poetry")


def test_python_names_an_interpreter(root: Path, tmp_path: Path) -> None:
    """Relative to the project, or by name on PATH; a wrong one is an error that says so."""
    own = environment(root / "env-of-mine", "alembic")

    assert find(root, python="env-of-mine/bin/python").python == str(own)
    with pytest.raises(ProjectError, match="is no program"):
        find(root, python="nowhere/python")
    environment(tmp_path / "bare")
    with pytest.raises(ProjectError, match="no alembic console script"):
        find(root, python=str(tmp_path / "bare" / "bin" / "python"))


def test_alembics_own_flags_are_passed_through(root: Path) -> None:
    """-c, -n, -x and the target stand where Alembic wants them."""
    (root / "other.ini").write_text("")

    found = find(root, config="other.ini", name="tenant", x=("a=1", "b=2"), target="heads")

    assert found.argv[1:] == ("-c", "other.ini", "-n", "tenant", "-x", "a=1", "-x", "b=2", "upgrade", "heads")


def test_a_command_is_looked_up_in_the_projects_environment(root: Path) -> None:
    """`flask` is the environment's own, and no shell takes part."""
    own = environment(root / ".venv", "alembic", "flask")

    found = find(root, command="flask db upgrade --directory 'my migrations'")

    assert found.argv == (str(own.parent / "flask"), "db", "upgrade", "--directory", "my migrations")
    assert project.readable(found.argv) == "flask db upgrade --directory 'my migrations'"
    with pytest.raises(ProjectError, match="neither in"):
        find(root, command="no-such-command")
    with pytest.raises(ProjectError, match="empty"):
        find(root, command=" ")


def test_a_missing_ini_names_those_that_are_there(root: Path) -> None:
    """The first call in a monorepo ends in something to paste."""
    (root / "alembic.ini").unlink()
    (root / "backend").mkdir()
    (root / "backend" / "alembic.ini").touch()

    with pytest.raises(ProjectError) as error:
        find(root)

    assert error.value.fix == "--config backend/alembic.ini"
    with pytest.raises(ProjectError, match="doesn't exist"):
        find(root, config="nowhere.ini")
    (root / "pyproject.toml").write_text("[tool.alembic]\nscript_location = 'x'\n")
    assert find(root).argv[-2:] == ("upgrade", "head")


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Before anything is started."""
    with pytest.raises(ProjectError, match="doesn't exist"):
        find(tmp_path / "nowhere")


def test_render_is_found_by_its_blueprint(root: Path) -> None:
    """In the project or above it, up to the repository's root."""
    service = root / "api"
    service.mkdir()
    (service / "alembic.ini").touch()

    assert find(service).platform == ""
    (root / "render.yaml").touch()
    assert find(service).platform == "render"


def test_the_commands_environment_is_the_activated_one(root: Path) -> None:
    """PATH, VIRTUAL_ENV and PYTHONPATH are as after `activate`, with the probe in front."""
    own = environment(root / ".venv", "alembic")

    made = project.environment(find(root), {"PATH": "/usr/bin", "PYTHONPATH": "lib", "PYTHONHOME": "x"}, Path("/probe"))

    assert made["PATH"] == f"{own.parent}:/usr/bin"
    assert made["VIRTUAL_ENV"] == str(root / ".venv")
    assert made["PYTHONPATH"] == "/probe:lib"
    assert "PYTHONHOME" not in made


def test_the_tools_own_environment_is_the_last_resort(root: Path) -> None:
    """`pip install alembic-rehearsal` beside the project, without activating anything."""
    found = find(root)

    assert found.python == sys.executable
    assert Path(found.argv[0]).name == "alembic"


def test_collects_the_addresses_that_the_project_names(root: Path) -> None:
    """From the environment, ini files, .env and env.py: none of them may become the throw-away server."""
    (root / "alembic.ini").write_text("sqlalchemy.url = postgresql+psycopg2://a:b@ini.example/app\n")
    (root / ".env.production").write_text("DB='postgres://env-file.example/app'\n")
    (root / "migrations").mkdir()
    (root / "migrations" / "env.py").write_text('URL = "postgresql://env-py.example/app"\n')

    found = configured.urls(root, {"DATABASE_URL": "postgres://variable.example/app", "OTHER": "https://x"})

    assert sorted(url.partition("://")[2] for url in found) == [
        "a:b@ini.example/app",
        "env-file.example/app",
        "env-py.example/app",
        "variable.example/app",
    ]
