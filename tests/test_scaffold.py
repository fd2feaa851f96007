"""The workflow that `init` writes: safe, right for the project, and its steps do what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from alembic_rehearsal.errors import ProjectError, UsageError
from alembic_rehearsal.scaffold import init
from fix_projects import Run, run_tool, write_project

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "sso_sessions"
BIN = Path(sys.executable).parent
PLACE = ".github/workflows/migrations.yml"
ACTION = "OWNER/alembic-rehearsal@v1"
REPORTS = '--format markdown --output "$GITHUB_STEP_SUMMARY" --format text --format github'


COMMIT = ["-c", "user.name=me", "-c", "user.email=me@example.org", "commit", "-q", "--allow-empty", "-m", "one"]


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the example in it."""
    folder = tmp_path / "repository"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".git").mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(**given: Any) -> list[str]:
    return list(init.write(given.pop("directory", "."), **given))


def steps() -> list[dict[str, Any]]:
    workflow = yaml.safe_load(Path(PLACE).read_text())
    return list(workflow["jobs"]["rehearse"]["steps"])


def scripts() -> list[dict[str, Any]]:
    return [step for step in steps() if "run" in step]


def audited(*paths: Path) -> Run:
    """Run zizmor, https://docs.zizmor.sh, without asking anybody."""
    done = subprocess.run(
        [BIN / "zizmor", "--offline", "--no-progress", "--color=never", "--persona=pedantic", *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def test_a_plain_project(repository: Path) -> None:
    """Triggers, permissions, Python, requirements and the command; what to do next."""
    Path("requirements.txt").write_text("alembic\n")
    Path(".python-version").write_text("3.12.4\n")

    said = write()

    workflow = yaml.safe_load(Path(PLACE).read_text())
    assert workflow[True] == {"pull_request": None, "merge_group": None, "push": {"branches": ["main"]}}
    assert workflow["permissions"] == {}
    assert [step.get("uses", "").partition("@")[0] for step in steps()[:2]] == [
        "actions/checkout",
        "actions/setup-python",
    ]
    assert steps()[1]["with"] == {"python-version": "3.12"}
    assert [step["run"].splitlines() for step in scripts()] == [
        ["python -m venv .venv", ".venv/bin/pip install -r requirements.txt"],
        ["pip install 'alembic-rehearsal[embedded]'"],
        [f"alembic-rehearsal run --dump db/production.sql {REPORTS}"],
    ]
    assert said[:4] == [
        f"wrote {PLACE}",
        "  project: .",
        "  requirements: requirements.txt",
        "  Python: 3.12 (.python-version)",
    ]
    assert "       alembic-rehearsal snapshot -o db/production.sql" in said


def test_it_never_overwrites_unless_it_is_told_to() -> None:
    """Somebody has changed the file since."""
    Path(".github/workflows").mkdir(parents=True)
    Path(PLACE).write_text("mine")

    with pytest.raises(UsageError, match="is there already") as caught:
        write()
    kept = Path(PLACE).read_text()
    write(force=True)

    assert (kept, caught.value.fix) == ("mine", "--force overwrites it")
    assert Path(PLACE).read_text() != "mine"


def test_from_a_folder_the_workflow_goes_to_the_repositorys_root(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And all its paths begin there."""
    write_project(repository / "services" / "api", {"0001": ""})
    (repository / "services" / "api" / "pyproject.toml").write_text("[build-system]\n")
    monkeypatch.chdir(repository / "services")

    said = write(directory="api")

    assert said[0] == f"wrote ../{PLACE}"
    monkeypatch.chdir(repository)
    install, _, rehearse = scripts()
    assert (install["working-directory"], install["run"].splitlines()[1]) == (
        "services/api",
        ".venv/bin/pip install --editable .",
    )
    assert rehearse["run"].startswith("alembic-rehearsal run --dump services/api/db/production.sql -d services/api ")


@pytest.mark.parametrize(
    ("files", "commands", "folder"),
    [
        ({"uv.lock": ""}, ["pip install uv", "uv sync --frozen"], None),
        ({"pdm.lock": ""}, ["pip install pdm", "pdm sync"], None),
        (
            {"poetry.lock": ""},
            ["pip install poetry", "POETRY_VIRTUALENVS_IN_PROJECT=true poetry install --no-interaction"],
            None,
        ),
        (
            {"requirements/prod.txt": ""},
            ["python -m venv .venv", ".venv/bin/pip install -r requirements/prod.txt"],
            None,
        ),
        (
            {"pyproject.toml": "[project]\n"},
            ["pip install uv", "uv venv", "uv pip install --requirements pyproject.toml"],
            None,
        ),
        ({"setup.py": ""}, ["python -m venv .venv", ".venv/bin/pip install --editable ."], None),
    ],
)
def test_how_the_requirements_are_installed(files: dict[str, str], commands: list[str], folder: str | None) -> None:
    """Into the environment that the tool finds by itself."""
    for name, text in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)

    write()

    assert scripts()[0]["run"].splitlines() == commands
    assert scripts()[0].get("working-directory") == folder


@pytest.mark.parametrize(
    ("files", "python", "source"),
    [
        ({}, "3.13", "no file says which"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.11,<4"\n'}, "3.11", "pyproject.toml"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.12"\n'}, "3.12", "pyproject.toml"),
        ({"Dockerfile": "FROM docker.io/library/python:3.12-slim AS base\n"}, "3.12", "Dockerfile"),
        ({"runtime.txt": "python-3.11.9\n", "Dockerfile": "FROM python:3.12\n"}, "3.11", "runtime.txt"),
        ({".python-version": "shop-env\n"}, "3.13", "no file says which"),
        ({"Dockerfile": "FROM --platform=$BUILDPLATFORM python:3.11-slim\n"}, "3.11", "Dockerfile"),
        ({"Dockerfile": "ARG V=3.11\nFROM python:${V}-slim\n"}, "3.11", "Dockerfile"),
        ({"Dockerfile": "FROM python:${V:-3.12}\n"}, "3.12", "Dockerfile"),
        ({"Dockerfile": "ARG V\nFROM python:$V\n"}, "3.13", "no file says which"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "3.11.*"\n'}, "3.11", "pyproject.toml"),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "3.11.4"\n'}, "3.11.4", "pyproject.toml"),
        ({"pyproject.toml": '[project]\nrequires-python = "==3.12.4"\n'}, "3.12.4", "pyproject.toml"),
        ({"pyproject.toml": '[project]\nrequires-python = "<3.13, !=3.9.1, >=3.11"\n'}, "3.11", "pyproject.toml"),
        (
            {
                ".python-version": "3.11\n",
                "render.yaml": "services:\n  - {name: a, envVars: [{key: PYTHON_VERSION, value: 3.12.4}]}\n",
            },
            "3.12",
            "PYTHON_VERSION in render.yaml",
        ),
    ],
)
def test_which_python(files: dict[str, str], python: str, source: str) -> None:
    """Production's own, where a file says it."""
    for name, text in files.items():
        Path(name).write_text(text)

    said = write()

    assert f"  Python: {python} ({source})" in said
    assert steps()[1]["with"] == {"python-version": python}


def test_a_python_too_old_for_the_tool_stands_beside_a_newer_one() -> None:
    """The project keeps its own; `python` is the tool's."""
    Path(".python-version").write_text("3.9\n")
    Path("requirements.txt").write_text("")

    write()

    assert steps()[1]["with"]["python-version"].split() == ["3.9", "3.13"]
    assert scripts()[0]["run"].startswith("python3.9 -m venv .venv\n")


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"uv.lock": ""}, "uv sync --frozen --python 3.8"),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.8"\n'}, "uv venv --python 3.8"),
    ],
)
def test_uv_is_told_the_older_of_two_pythons(files: dict[str, str], command: str) -> None:
    """By itself it would take the tool's, which `>=3.8` allows too."""
    for name, text in {".python-version": "3.8\n", **files}.items():
        Path(name).write_text(text)

    write()

    assert scripts()[0]["run"].splitlines()[1] == command


@pytest.mark.parametrize(
    ("pyproject", "module", "without"),
    [
        ('[tool.poetry]\nname = "the-shop"\n', "", True),
        ('[tool.poetry]\nname = "the-shop"\n', "src/the_shop", False),
        ('[tool.poetry]\nname = "the-shop"\n', "the_shop", False),
        ('[tool.poetry]\nname = "the-shop"\npackages = [{include = "app"}]\n', "", False),
    ],
)
def test_poetry_leaves_an_application_out_that_is_no_package(pyproject: str, module: str, without: bool) -> None:
    """It would end with an error after it has installed everything else."""
    Path("poetry.lock").write_text("")
    Path("pyproject.toml").write_text(pyproject)
    Path(module).mkdir(parents=True, exist_ok=True)

    write()

    assert scripts()[0]["run"].splitlines()[-1].partition("poetry install ")[2] == (
        "--no-interaction --no-root" if without else "--no-interaction"
    )


HATCHLING = '[project]\nname = "the-shop"\n[build-system]\nbuild-backend = "hatchling.build"\n'


@pytest.mark.parametrize(
    ("lock", "pyproject", "module", "command"),
    [
        ("uv.lock", HATCHLING, "", "uv sync --frozen --no-install-project"),
        ("uv.lock", HATCHLING, "src/the_shop", "uv sync --frozen"),
        ("uv.lock", HATCHLING + "[tool.uv]\npackage = false\n", "", "uv sync --frozen"),
        ("uv.lock", HATCHLING + '[tool.hatch.build.targets.wheel]\npackages = ["app"]\n', "", "uv sync --frozen"),
        ("uv.lock", '[project]\nname = "the-shop"\n', "", "uv sync --frozen"),
        ("uv.lock", HATCHLING.replace("hatchling.build", "setuptools.build_meta"), "", "uv sync --frozen"),
        ("uv.lock", "[project", "", "uv sync --frozen"),
        ("pdm.lock", '[project]\nname = "the-shop"\n', "", "pdm sync --no-self"),
        ("pdm.lock", '[project]\nname = "the-shop"\n', "the_shop", "pdm sync"),
        ("pdm.lock", '[project]\nname = "the-shop"\n[tool.pdm]\ndistribution = false\n', "", "pdm sync"),
    ],
)
def test_uv_and_pdm_leave_an_application_out_that_is_no_package(
    lock: str, pyproject: str, module: str, command: str
) -> None:
    """Its build backend would find nothing to build; where uv and PDM know that themselves nothing is said."""
    Path(lock).write_text("")
    Path("pyproject.toml").write_text(pyproject)
    Path(module).mkdir(parents=True, exist_ok=True)

    write()

    assert scripts()[0]["run"].splitlines()[-1] == command


@pytest.mark.parametrize(
    ("commands", "branches"),
    [
        ([], ["main"]),
        ([["init", "-q", "-b", "trunk"]], ["trunk"]),
        ([["init", "-q", "-b", "master"], COMMIT, ["switch", "-q", "-c", "work"]], ["master"]),
        (
            [
                ["init", "-q", "-b", "main"],
                COMMIT,
                ["update-ref", "refs/remotes/origin/develop", "HEAD"],
                ["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop"],
            ],
            ["develop"],
        ),
    ],
)
@pytest.mark.parametrize("uses", ["", ACTION])
def test_pushes_to_what_is_deployed_are_rehearsed(
    repository: Path, commands: list[list[str]], branches: list[str], uses: str
) -> None:
    """The default branch as git knows it, and the blueprint's; for many projects too."""
    for command in commands:
        subprocess.run(["git", *command], check=True, capture_output=True)
    Path("render.yaml").write_text("services: [{name: a, branch: production}, {name: b}]\n")
    if uses:
        write_project(repository / "services" / "b", {"0001": ""})

    write(uses=uses)

    workflow = yaml.safe_load(Path(PLACE).read_text())
    assert workflow[True]["push"]["branches"] == [*branches, "production"]


def test_what_is_next_can_be_pasted(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the folder that `init` was called in; the dump's folder need not be there yet."""
    Path("Dockerfile").write_text("FROM python:3.12\n")
    (repository / "a b").mkdir()
    monkeypatch.chdir("a b")

    first = write(directory="..")
    second = write(directory="..", dump="production.sql", force=True)

    [mkdir, snapshot] = [line.strip() for line in first if line.startswith("       ")]
    assert (mkdir, snapshot) == ("mkdir -p ../db", "alembic-rehearsal snapshot -o ../db/production.sql")
    assert [line.strip() for line in second if line.startswith("       ")] == [
        "alembic-rehearsal snapshot -o ../production.sql"
    ]
    assert any("--app-image" in line for line in first)


def test_variables_that_hold_the_address_are_set() -> None:
    """env.py would end with a KeyError, and the value doesn't matter."""
    Path("migrations/env.py").write_text('import os\nos.environ["SHOP_DATABASE_URL"]\nos.getenv("REDIS_URL")\n')
    Path("alembic.ini").write_text(
        "[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.url = postgresql+asyncpg://a@b/c\n"
    )
    Path("render.yaml").write_text(
        "services:\n  - name: a\n    startCommand: alembic upgrade head && app\n"
        "    envVars: [{key: DATABASE_URL, fromDatabase: {name: db, property: connectionString}},"
        " {key: PGHOST, fromDatabase: {name: db, property: host}}]\n"
    )

    said = write()

    address = "postgresql+asyncpg://app@localhost/app"
    assert scripts()[-1]["env"] == {"SHOP_DATABASE_URL": address, "DATABASE_URL": address}
    assert "  database: postgresql+asyncpg, from SHOP_DATABASE_URL, DATABASE_URL" in said
    assert "  3. render.yaml:" in said
    assert any("a race: every new instance" in line for line in said)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("requirements.txt", "alembic\npsycopg2==2.9\n", True),
        ("requirements.txt", "psycopg2-binary\n", False),
        ("uv.lock", '[[package]]\nname = "psycopg2"\n', True),
        ("pyproject.toml", 'dependencies = [\n  "psycopg2>=2.9",\n]\n', True),
    ],
)
def test_what_the_image_can_not_build_is_said(name: str, text: str, said: bool) -> None:
    """The runner itself has a compiler, so only for the action."""
    Path(name).write_text(text)

    lines = [write(uses=uses, force=True) for uses in (ACTION, "")]

    assert [any("psycopg2 is built" in line for line in each) for each in lines] == [said, False]


def test_another_database_is_said_to_be_one() -> None:
    """Alembic does SQLite too; this tool doesn't."""
    Path("alembic.ini").write_text(
        "[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.url = sqlite:///a.db\n"
    )

    assert any(line.startswith("  sqlite in the configuration file") for line in write())


def test_with_the_action() -> None:
    """One step, whose inputs the action has."""
    known = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]

    write(uses=ACTION)

    step = steps()[-1]
    assert step["uses"] == ACTION
    assert step["with"] == {"dump": "db/production.sql", "python-version": "3.13"}
    assert set(step["with"]) <= set(known)


def test_several_projects_are_listed_and_with_the_action_they_are_a_matrix(repository: Path) -> None:
    """For one of them there is --config; the action installs each one's requirements itself."""
    write_project(repository / "services" / "b", {"0001": ""})
    Path("services/b/env.py").write_text('import os\nos.environ["SHOP_DATABASE_URL"]\n')
    Path("services/b/runtime.txt").write_text("python-3.12.4\n")
    known = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]

    with pytest.raises(UsageError, match="2 projects") as caught:
        write()
    write(directory="services/b", config="alembic.ini")
    one = Path(PLACE).read_text()
    said = write(uses=ACTION, force=True)

    assert "alembic-rehearsal init -d services/b -c alembic.ini" in caught.value.fix
    assert "-d services/b" in one
    assert "  project: services/b" in said
    workflow = yaml.safe_load(Path(PLACE).read_text())
    used = workflow["jobs"]["rehearse"]["steps"][-1]
    assert set(used["with"]) <= set(known)
    assert used["with"]["python-version"] == "3.12"
    assert used["env"] == dict.fromkeys(("DATABASE_URL", "SHOP_DATABASE_URL"), "postgresql://app@localhost/app")
    assert "matrix.project" in workflow["jobs"]["rehearse"]["name"]


def test_one_of_several_sections() -> None:
    """A file with two databases is two projects."""
    section = "[{0}]\nscript_location = %(here)s/migrations\n"
    Path("alembic.ini").write_text(section.format("users") + section.format("billing"))

    with pytest.raises(UsageError) as caught:
        write()
    with pytest.raises(UsageError, match="no section x has a script_location; there are billing, users"):
        write(name="x")
    write(name="billing")

    assert "alembic-rehearsal init -d . -c alembic.ini -n billing\n" in caught.value.fix
    assert " -n billing " in scripts()[-1]["run"].replace("\n", " ")


def test_a_repository_without_a_project_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to rehearse."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()

    with pytest.raises(ProjectError, match="no Alembic project in empty"):
        write(directory="empty")
    with pytest.raises(UsageError, match="is no configuration file"):
        write(directory="repository", config="other.ini")


@pytest.mark.parametrize("name", ["a b", "-x", "${{ github.token }}", "a: b #c", "a'\"$(id)", "a\nb", "3.10"])
def test_odd_names_stay_names(repository: Path, name: str) -> None:
    """What would be an expression is refused; everything else is quoted, for YAML and for the shell."""
    write_project(repository / "p" / name, {"0001": ""})

    if "${{" in name or "\n" in name:
        with pytest.raises(UsageError, match="a name has what begins an expression"):
            write(directory=f"p/{name}")
        return
    write(directory=f"p/{name}")
    argv = subprocess.run(
        ["bash", "-c", scripts()[-1]["run"].replace("alembic-rehearsal", "printf '%s\\n'", 1)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    write(directory=f"p/{name}", uses=ACTION, force=True)

    assert argv[argv.index("-d") + 1] == f"p/{name}"
    assert steps()[-1]["with"]["directory"] == f"p/{name}"


@pytest.mark.parametrize("uses", ["", ACTION, "many"])
def test_zizmor_has_nothing_against_it(repository: Path, uses: str) -> None:
    """But for the action's own reference, which is the user's to pin."""
    if uses == "many":
        write_project(repository / "services" / "b", {"0001": ""})
    write(uses=uses and ACTION)
    text = Path(PLACE).read_text()
    # Any commit will do for the audit.
    Path(PLACE).write_text(text.replace(ACTION, f"OWNER/alembic-rehearsal@{'0' * 40} # v1.0.0"))

    done = audited(repository / PLACE)

    findings = set(re.findall(r"^\w+\[([\w-]+)\]", done.stdout, re.MULTILINE))
    assert findings <= {"anonymous-definition", "concurrency-limits"}, done.stdout


@pytest.mark.parametrize("kind", ["requirements", "uv", "uv, and no package"])
def test_the_steps_work(repository: Path, kind: str) -> None:
    """A shell runs them as the runner does, the tool's own installation left out; the incident is blocked."""
    if kind.startswith("uv"):
        Path("pyproject.toml").write_text(
            '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'
            'dependencies = ["alembic", "psycopg2-binary"]\n'
            + ('[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n' if "," in kind else "")
        )
        subprocess.run([BIN / "uv", "lock", "--quiet"], check=True)
    else:
        Path("requirements.txt").write_text("alembic\npsycopg2-binary\n")
    write(dump="production.sql")
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environ |= {"PATH": f"{BIN}:{environ['PATH']}", "GITHUB_STEP_SUMMARY": str(repository / "summary.md")}
    install, own, rehearse = scripts()
    lines = [line for line in install["run"].splitlines() if line != "pip install uv"]
    done = [
        subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=repository,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        for script in ("\n".join(lines), rehearse["run"])
    ]

    assert own["run"] == "pip install 'alembic-rehearsal[embedded]'"
    assert done[0].returncode == 0, done[0].stderr
    assert done[1].returncode == 1, done[1].stdout + done[1].stderr
    assert "42P07" in done[1].stdout
    assert "\n::error title=alembic-rehearsal%3A blocked::BLOCKED: 2 failures" in done[1].stdout
    assert "BLOCKED: 2 failures" in Path("summary.md").read_text()
    assert Path(".venv/bin/alembic").exists()


def test_the_command_line(repository: Path) -> None:
    """Wrong usage is status 2."""
    first = run_tool("init", cwd=repository)
    second = run_tool("init", cwd=repository)

    assert (first.status, first.stdout.splitlines()[0]) == (0, f"wrote {PLACE}")
    assert (second.status, second.stdout) == (2, "")
