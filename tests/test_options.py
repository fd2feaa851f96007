"""Flags and files into options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alembic_rehearsal import options
from alembic_rehearsal.errors import UsageError


def flags(directory: Path, **given: Any) -> dict[str, Any]:
    return {"directory": str(directory), "dump": None, "x": (), "at": (), "format": (), "output": (), **given}


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    """What the file sets holds until a flag says otherwise."""
    (tmp_path / "alembic-rehearsal.yml").write_text("dump: a.sql\ntimeout: 5\nrole: app\nallow-port: [6379]\n")

    asked, _ = options.merge(flags(tmp_path, timeout=7.0, x=("a=1", "b=2")))

    assert (asked.timeout, asked.role, asked.x, asked.allow_port) == (7.0, "app", ("a=1", "b=2"), (6379,))


def test_a_dump_named_in_the_file_is_relative_to_it(tmp_path: Path) -> None:
    """A flag is relative to where the tool is called, the file's value to the project."""
    (tmp_path / "alembic-rehearsal.yml").write_text("dump: a.sql\n")

    assert options.merge(flags(tmp_path))[0].dump == str(tmp_path / "a.sql")
    assert options.merge(flags(tmp_path, dump="b.sql"))[0].dump == "b.sql"


def test_no_dump_is_an_error_with_the_recipe(tmp_path: Path) -> None:
    """The most likely first call comes with the commands that make a dump."""
    with pytest.raises(UsageError) as error:
        options.merge(flags(tmp_path))

    assert "pg_dump --create --schema-only" in error.value.fix
    assert error.value.exit_status == 2


def test_formats_and_files_go_together_in_order(tmp_path: Path) -> None:
    """Each --output belongs to the --format of its place; one format may be left for standard output."""
    _, shown = options.merge(flags(tmp_path, dump="d", format=("json", "text"), output=("r.json",)))

    assert shown.reports == (("json", "r.json"), ("text", "-"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"format": ("xml",)}, "known are text, json"),
        ({"output": ("a", "b")}, "2 --output for 1 --format"),
        ({"format": ("json", "text")}, "two reports can't share standard output"),
        ({"timeout": 0.0}, "leaves the command no time"),
        ({"timeout": float("nan")}, "leaves the command no time"),
        ({"format": ("text", "text")}, "two reports can't share standard output"),
        ({"format": ("text", "github", "json")}, "two reports can't share standard output"),
    ],
)
def test_formats_that_can_not_be_printed_are_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    """A wrong pair is said before anything is started."""
    with pytest.raises(UsageError, match=message):
        options.merge(flags(tmp_path, dump="d", **given))


def test_paths_of_annotations_begin_at_the_repository(tmp_path: Path) -> None:
    """A pull request names files from its root, also when the project is a folder in it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "services" / "api").mkdir(parents=True)

    assert options.merge(flags(tmp_path / "services" / "api", dump="d"))[1].prefix == "services/api"
    assert options.merge(flags(tmp_path, dump="d"))[1].prefix == ""


def test_a_command_in_an_image_gets_a_server_in_a_container(tmp_path: Path) -> None:
    """It shares the network of that container."""
    asked, _ = options.merge(flags(tmp_path, dump="d", app_image="app:1", app_env=("A=b", "C")))

    assert (asked.app_image, asked.app_env, asked.postgres) == ("app:1", ("A=b", "C"), "docker")
    assert options.merge(flags(tmp_path, dump="d", app_image="app:1", postgres="docker"))[0].postgres == "docker"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"app_image": "app:1", "postgres": "embedded"}, "--postgres embedded can't be that"),
        ({"app_image": "app:1", "postgres": "postgresql://u:secret@h/d"}, "--postgres postgresql can't be that"),
        ({"app_image": "app:1", "allow_port": (6379,)}, "--allow-port opens nothing"),
        ({"app_directory": "/app"}, "--app-directory is for a command in the application's image"),
        ({"app_env": ("A=b",)}, "--app-env is for a command in the application's image"),
    ],
)
def test_what_has_no_meaning_with_an_image_or_without_one_is_refused(
    tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    """Before anything is started."""
    with pytest.raises(UsageError, match=message) as error:
        options.merge(flags(tmp_path, dump="d", **given))

    assert error.value.fix


def test_a_command_with_an_open_quotation_is_wrong_usage(tmp_path: Path) -> None:
    """On this machine as in the application's image."""
    for more in ({}, {"app_image": "app:1"}):
        with pytest.raises(UsageError, match="--command alembic upgrade 'head: No closing quotation"):
            options.merge(flags(tmp_path, dump="a.sql", command="alembic upgrade 'head", **more))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("production.sql/x.sarif", "production.sql is no directory"),
        ("production.sql/a/x.sarif", "production.sql is no directory"),
        ("reports", "reports is a directory"),
    ],
)
def test_a_report_that_could_not_be_written_is_wrong_usage(tmp_path: Path, file: str, said: str) -> None:
    """Before the run, and not after it."""
    (tmp_path / "production.sql").touch()
    (tmp_path / "reports").mkdir()
    given = flags(tmp_path, dump="a.sql", format=("sarif",))

    options.merge({**given, "output": (str(tmp_path / "reports" / "new" / "x.sarif"),)})
    with pytest.raises(UsageError, match=said):
        options.merge({**given, "output": (str(tmp_path / file),)})
