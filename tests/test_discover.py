"""Which Alembic projects a repository has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alembic_rehearsal import discover
from alembic_rehearsal.discover import Found
from alembic_rehearsal.errors import ProjectError, UsageError
from fix_projects import run_tool

FLASK_ENV = "from flask import current_app\n"


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def ini(location: str, section: str = "alembic") -> str:
    return f"[{section}]\nscript_location = {location}\n"


def found() -> list[Found]:
    return list(discover.search(["."]))


def test_a_project_at_the_root() -> None:
    """What Alembic finds by itself needs no flags."""
    write({"alembic.ini": ini("alembic"), "alembic/env.py": ""})

    assert found() == [Found(".", ".")]


def test_projects_in_folders() -> None:
    """Each with its own directory, sorted."""
    write(
        {"b/alembic.ini": ini("%(here)s/migrations"), "a/x/alembic.ini": ini("migrations"), "a/x/migrations/env.py": ""}
    )

    assert found() == [Found("a/x", "a/x"), Found("b", "b")]


def test_several_sections_are_several_projects() -> None:
    """Only those that have a location of their own; what they share stands in [DEFAULT]."""
    shared = "[DEFAULT]\nfile_template = x\n"
    write({"alembic.ini": shared + ini("a", "users") + ini("b", "billing") + "[loggers]\nkeys = root\n"})

    assert found() == [Found(". billing", ".", name="billing"), Found(". users", ".", name="users")]


def test_a_location_in_default_is_the_usual_sections() -> None:
    """Every section would inherit it, those of the loggers too."""
    write({"alembic.ini": ini("a", "DEFAULT") + "[alembic]\nsqlalchemy.url =\n[loggers]\nkeys = root\n"})

    assert found() == [Found(".", ".")]


def test_the_command_starts_where_the_location_is_found() -> None:
    """A relative location is relative to that, and the file may lie elsewhere."""
    write({"svc/config/db.ini": ini("db/migrations"), "svc/db/migrations/env.py": ""})

    assert found() == [Found("svc config/db.ini", "svc", config="config/db.ini")]


def test_a_location_in_a_package_starts_at_the_projects_files() -> None:
    """`package:folder` is imported."""
    write({"svc/pyproject.toml": "", "svc/src/shop/alembic.ini": ini("shop:migrations")})

    assert found() == [Found("svc src/shop/alembic.ini", "svc", config="src/shop/alembic.ini")]


def test_pyproject_alone_is_a_project_and_with_a_file_it_is_one() -> None:
    """Alembic 1.16 reads its settings from there; alembic.ini beside it may hold the rest."""
    table = '[tool.alembic]\nscript_location = "%(here)s/migrations"\n'
    write({"a/pyproject.toml": table, "b/pyproject.toml": table, "b/alembic.ini": "[alembic]\nsqlalchemy.url = x\n"})
    write(
        {
            "c/pyproject.toml": "[tool.alembic]\nfile_template = 'script_location'\n",
            "d/pyproject.toml": "script_location =",
        }
    )

    assert found() == [Found("a", "a"), Found("b", "b")]


def test_flask_migrate_has_its_own_command() -> None:
    """Its alembic.ini has no location, and lies in the folder of the migrations."""
    write({"shop/migrations/alembic.ini": "[alembic]\n", "shop/migrations/env.py": FLASK_ENV})
    write({"shop/db_b/alembic.ini": "[alembic]\n", "shop/db_b/env.py": FLASK_ENV})

    assert sorted(found(), key=lambda each: each.command) == [
        Found("shop", "shop", command="flask db upgrade"),
        Found("shop db_b", "shop", command="flask db upgrade --directory db_b"),
    ]


def test_what_is_installed_or_hidden_or_only_linked_is_left_out(repository: Path) -> None:
    """And what is no project: an ini of something else, one without a location."""
    write({name: ini("%(here)s") for name in (".tox/alembic.ini", "node_modules/x/alembic.ini", "venv/x/alembic.ini")})
    write(
        {
            "venv/pyvenv.cfg": "",
            "tox.ini": "[tox]\n",
            "bare/alembic.ini": "[alembic]\n",
            "a/alembic.ini": ini("%(here)s"),
        }
    )
    Path("link").symlink_to(repository / "a")

    assert found() == [Found("a", "a")]


def test_keys_may_be_in_capitals_and_copies_and_templates_are_left_out() -> None:
    """`build/lib` is what setuptools made of the project, and a folder of cookiecutter's is none yet."""
    write(
        {f"{name}/shop/alembic.ini": ini("%(here)s") for name in ("build/lib", "build/lib.linux", "{{cookiecutter.x}}")}
    )
    write({"build/shop/alembic.ini": "[alembic]\nSCRIPT_LOCATION = %(here)s\n"})

    assert found() == [Found("build/shop", "build/shop")]


def test_a_file_that_can_not_be_read_is_a_project_all_the_same() -> None:
    """Left out, nobody would say what is wrong with it."""
    write({"a/alembic.ini": "script_location = x\n", "b/other.ini": "script_location = x\n"})

    assert found() == [Found("a", "a")]


def test_patterns_leave_projects_out() -> None:
    """Those of examples and of tests."""
    write({f"{name}/alembic.ini": ini("%(here)s") for name in ("app", "tests/a", "tests/b/c")})

    assert [each.directory for each in discover.search(["."], exclude=["tests/*"])] == ["app"]


def test_none_is_an_error() -> None:
    """An empty matrix would be a job that never runs, and a check that is never red."""
    with pytest.raises(ProjectError, match="no Alembic project in"):
        discover.search(["."])
    with pytest.raises(UsageError, match="the directory nowhere doesn't exist"):
        discover.search(["nowhere"])


def test_the_matrix_is_one_line_whatever_the_names_are() -> None:
    """Behind `matrix=` in GITHUB_OUTPUT a second line would be another output."""
    write({"a\nverdict=pass/alembic.ini": ini("%(here)s")})

    text = discover.render(found(), "github-matrix")

    assert text.count("\n") == 1
    [entry] = json.loads(text)["include"]
    assert entry["directory"] == "a\nverdict=pass"
    assert set(entry) == {"project", "directory", "config", "name", "command"}


def test_a_matrix_that_github_would_refuse_is_an_error() -> None:
    """Better here, with what to do, than there."""
    many = [Found(str(number), str(number)) for number in range(257)]

    assert len(json.loads(discover.render(many[1:], "github-matrix"))["include"]) == 256
    with pytest.raises(UsageError, match="257 projects"):
        discover.render(many, "github-matrix")


def test_the_command_line(repository: Path) -> None:
    """The text has the flags of `run`, ready to paste."""
    write({"a b/alembic.ini": ini("x", "one") + ini("%(here)s", "two"), "c/alembic.ini": ini("%(here)s")})

    shown = run_tool("discover", cwd=repository)
    as_json = run_tool("discover", "--format", "json", "c", cwd=repository)
    nothing = run_tool("discover", "--exclude", "*", cwd=repository)

    assert shown.stdout == "-d 'a b' -n one\n-d 'a b' -n two\n-d c\n"
    assert [each["directory"] for each in as_json.report] == ["c"]  # type: ignore[index]
    assert (nothing.status, nothing.stdout) == (3, "")
