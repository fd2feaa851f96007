"""How the project's environment is made, as a plan; test_step.py carries plans out."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_rehearsal.actions import install
from alembic_rehearsal.errors import ProjectError, UsageError

PYPROJECT = '[project]\nname = "app"\n'
PACKAGE = f'[build-system]\nrequires = ["hatchling"]\n{PYPROJECT}'


def planned(
    root: Path, files: dict[str, str], how: str = "auto", *, folder: str = ".", python: str = ""
) -> install.Plan:
    """Plan for the project in *folder* of a workspace that has *files*."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    places = install.Places(root.parent / "cache")
    return install.plan(how, (root / folder).resolve(), root, python_version=python, places=places)


def line(command: tuple[str, ...]) -> str:
    return " ".join(command)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"uv.lock": "", "pyproject.toml": PYPROJECT}, "uv sync --frozen --directory {root} --no-dev"),
        (
            {"poetry.lock": "", "pyproject.toml": PYPROJECT},
            "uv tool run poetry install --no-interaction --no-ansi --only main",
        ),
        (
            {"pdm.lock": "", "pyproject.toml": PYPROJECT},
            "uv tool run --from pdm[locked] pdm sync --no-editable --prod",
        ),
        ({"requirements.txt": ""}, "uv pip install --requirements {root}/requirements.txt"),
        ({"requirements/prod.txt": ""}, "uv pip install --requirements {root}/requirements/prod.txt"),
        ({"requirements-app.txt": ""}, "uv pip install --requirements {root}/requirements-app.txt"),
        ({"pyproject.toml": PYPROJECT}, "uv pip install --requirements {root}/pyproject.toml"),
        ({"pyproject.toml": PACKAGE}, "uv pip install --editable {root}"),
        ({"setup.py": ""}, "uv pip install --editable {root}"),
        ({"uv.lock": "", "requirements.txt": "", "pyproject.toml": ""}, "uv sync --frozen --directory {root} --no-dev"),
    ],
)
def test_what_is_there_says_how(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    """A lock file comes first: it is what the deploy installs."""
    plan = planned(tmp_path / "w", files)

    assert line(plan.commands[-1]) == expected.format(root=tmp_path / "w")


def test_the_nearest_file_upwards_is_taken(tmp_path: Path) -> None:
    """A repository of several services has one for each, or one for all."""
    files = {"requirements.txt": "", "services/a/requirements.txt": "", "services/b/alembic.ini": ""}

    nearest = planned(tmp_path / "w", files, folder="services/a")
    common = planned(tmp_path / "w", files, folder="services/b")

    assert nearest.source == str(tmp_path / "w/services/a/requirements.txt")
    assert common.source == str(tmp_path / "w/requirements.txt")


def test_a_member_of_a_uv_workspace_is_installed_from_the_lock_file_above(tmp_path: Path) -> None:
    """Its own pyproject.toml has no versions."""
    files = {"uv.lock": "", "pyproject.toml": PYPROJECT, "packages/a/pyproject.toml": PYPROJECT}

    plan = planned(tmp_path / "w", files, folder="packages/a")

    assert line(plan.commands[-1]) == f"uv sync --frozen --directory {tmp_path / 'w/packages/a'} --no-dev"


def test_files_above_the_workspace_are_not_looked_at(tmp_path: Path) -> None:
    """They belong to somebody else."""
    (tmp_path / "requirements.txt").write_text("")

    with pytest.raises(ProjectError, match="nothing in"):
        planned(tmp_path / "w", {})


@pytest.mark.parametrize("how", ["auto", "pip install alembic"])
def test_a_directory_that_is_not_there_is_wrong_usage(tmp_path: Path, how: str) -> None:
    """Without a word about it uv.lock of the workspace would be taken, and its commands had no folder to start in."""
    planned(tmp_path / "w", {"uv.lock": "", "file": ""})

    for name in ("nope", "file"):
        with pytest.raises(UsageError, match=f"w/{name} doesn't exist"):
            install.plan(how, tmp_path / "w" / name, tmp_path / "w", python_version="", places=install.Places(tmp_path))


def test_several_lists_of_requirements_are_not_guessed_from(tmp_path: Path) -> None:
    """The message names them, and the fix can be pasted."""
    with pytest.raises(ProjectError, match=r"requirements-a.txt, requirements-b.txt") as caught:
        planned(tmp_path / "w", {"requirements-a.txt": "", "requirements-b.txt": ""})

    assert caught.value.fix == "install: pip install -r requirements-a.txt"


def test_the_asked_python_makes_the_environment(tmp_path: Path) -> None:
    """Without one, uv reads .python-version and pyproject.toml."""
    plan = planned(tmp_path / "w", {"requirements.txt": ""}, python="3.11")

    assert line(plan.commands[0]).startswith("uv venv --clear --python 3.11 ")


def test_alembic_is_looked_for_in_the_groups_for_development_last(tmp_path: Path) -> None:
    """First what production has, then all groups, then Alembic alone."""
    plan = planned(tmp_path / "w", {"uv.lock": "", "pyproject.toml": PYPROJECT})

    assert [line(each) for each in plan.fallbacks] == [
        f"uv sync --frozen --directory {tmp_path / 'w'}",
        "uv pip install alembic",
    ]


def test_commands_of_the_workflow_run_in_an_environment_with_pip(tmp_path: Path) -> None:
    """One a line, without a shell."""
    plan = planned(tmp_path / "w", {}, "pip install -r 'a b.txt'\n\n  pip install alembic")

    assert "--seed" in plan.commands[0]
    assert plan.commands[1:] == (("pip", "install", "-r", "a b.txt"), ("pip", "install", "alembic"))


@pytest.mark.parametrize("command", ["pip install a && pip install b", "pip install a | tee log"])
def test_a_command_for_a_shell_is_refused(tmp_path: Path, command: str) -> None:
    """It would otherwise get `&&` as an argument."""
    with pytest.raises(ProjectError, match="for a shell"):
        planned(tmp_path / "w", {}, command)


def test_a_quotation_that_is_not_closed_is_no_command(tmp_path: Path) -> None:
    """It is the workflow's mistake, and no fault of the action."""
    with pytest.raises(ProjectError, match="no command: pip install 'foo: No closing quotation"):
        planned(tmp_path, {}, "pip install 'foo")


def test_a_project_file_in_another_encoding_is_read(tmp_path: Path) -> None:
    """What is looked for in it is ASCII; uv says what it thinks of the rest."""
    (tmp_path / "pyproject.toml").write_bytes(PACKAGE.encode() + "# ä".encode("latin-1"))

    assert line(planned(tmp_path, {}).commands[-1]).startswith("uv pip install --editable")


@pytest.mark.parametrize(
    ("output", "package"),
    [
        ("Error: pg_config executable not found.", "libpq-dev gcc"),
        ("Git executable not found. Ensure that Git is installed", "git"),
        ("error: command 'gcc' failed: No such file", "gcc libc6-dev"),
    ],
)
def test_a_missing_program_is_named(output: str, package: str) -> None:
    """The image has no compiler and no git; how to get them can be pasted."""
    assert f"apt-get install -y --no-install-recommends {package}\n" in install.advice(output)


def test_an_unknown_failure_gets_no_advice() -> None:
    """No guess stated as fact."""
    assert install.advice("No matching distribution found for nosuch") == ""


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (">=3.11,<3.13", ">=3.11,<3.13"),
        (">=3.11 <3.13", ">=3.11,<3.13"),
        ("^3.11", ">=3.11,<4"),
        ("~3.11", ">=3.11,<3.12"),
        ("~3.11.2", ">=3.11.2,<3.12"),
        ("3.11.*", "==3.11.*"),
        ("3.11.4", "==3.11.4"),
        ("^2.7 || ^3.9", ">=3.9,<4"),
        ("*", ""),
        (">= 3.9, != 3.9.1", ">=3.9,!=3.9.1"),
    ],
)
def test_poetrys_own_key_says_the_python_too(tmp_path: Path, asked: str, expected: str) -> None:
    """Many projects of Poetry have no requires-python, which is what uv reads by itself."""
    files = {"poetry.lock": "", "pyproject.toml": f'[tool.poetry.dependencies]\npython = "{asked}"\n'}

    first = planned(tmp_path / "w", files)
    input_says = planned(tmp_path / "w", files, python="3.12")
    file_says = planned(tmp_path / "w", files | {".python-version": "3.12\n"})

    assert first.commands[0][3:-1] == (("--python", expected) if expected else ())
    assert input_says.commands[0][3:-1] == ("--python", "3.12")
    assert file_says.commands[0][3:-1] == ()


@pytest.mark.parametrize(
    "text", ["", "[tool", "[tool.poetry.dependencies]\npython = {version = '3.11'}\n", "tool = 1\n"]
)
def test_a_key_that_is_not_there_asks_for_nothing(tmp_path: Path, text: str) -> None:
    """Poetry itself will say what is wrong with the file."""
    plan = planned(tmp_path / "w", {"poetry.lock": "", "pyproject.toml": text})

    assert "--python" not in plan.commands[0]


@pytest.mark.parametrize(
    ("lock", "output", "flag"),
    [
        ("poetry.lock", "Error: The current project could not be installed: No file/folder found", "--no-root"),
        ("uv.lock", "cause: Call to `hatchling.build.build_editable` failed", "--no-install-project"),
        ("pdm.lock", "Install shop 1 failed\n  Installing the project as a package... 1/1\n[BuildError]", "--no-self"),
        ("uv.lock", "No solution found", ""),
        ("requirements.txt", "The current project could not be installed", ""),
    ],
)
def test_a_project_that_is_no_package_is_left_out(tmp_path: Path, lock: str, output: str, flag: str) -> None:
    """Applications start from their folder, and their requirements are there all the same."""
    command = planned(tmp_path / "w", {lock: "", "pyproject.toml": PYPROJECT}).commands[-1]

    assert install.without_project(command, output) == ((*command, flag) if flag else ())
    assert install.without_project(("pip", "install", "poetry"), "current project could not be installed") == ()
