"""Options from pyproject.toml and alembic-rehearsal.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_rehearsal import config
from alembic_rehearsal.errors import UsageError

KNOWN = {"dump": str, "timeout": float, "keep": bool, "include-data": tuple}


def test_reads_the_table_of_pyproject(tmp_path: Path) -> None:
    """[tool.alembic-rehearsal] sets options by the names of the flags."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.alembic-rehearsal]\ndump = "p.sql"\ntimeout = 5\ninclude-data = ["a"]\n'
    )

    assert config.load(tmp_path, KNOWN) == {"dump": "p.sql", "timeout": 5.0, "include-data": ("a",)}


def test_reads_the_yaml_file(tmp_path: Path) -> None:
    """alembic-rehearsal.yml does the same, and one value will do where a list is meant."""
    (tmp_path / "alembic-rehearsal.yml").write_text("include-data: roles\nkeep: true\n")

    assert config.load(tmp_path, KNOWN) == {"include-data": ("roles",), "keep": True}


def test_nothing_set_is_nothing(tmp_path: Path) -> None:
    """A project without either file sets no option; neither does an empty file."""
    (tmp_path / "alembic-rehearsal.yml").write_text("")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")

    assert config.load(tmp_path, KNOWN) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dmup: p.sql", "unknown option 'dmup'; did you mean 'dump'?"),
        ("qqqq: 1", "known are dump, include-data, keep, timeout"),
        ("timeout: soon", "timeout takes a number, not 'soon'"),
        ("keep: 1", "keep takes true or false, not 1"),
        ("dump: 3", "dump takes a text, not 3"),
        ("include-data: [true]", "include-data takes a list"),
        ("- dump", "holds a list"),
        ("dump: [", "can't be read"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    """Unknown keys come with a suggestion, wrong values with what the option takes."""
    (tmp_path / "alembic-rehearsal.yml").write_text(text)

    with pytest.raises(UsageError, match=r"alembic-rehearsal\.yml") as error:
        config.load(tmp_path, KNOWN)

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[tool.alembic-rehearsal", "can't be read"), ("[tool]\nalembic-rehearsal = 3", "is not a table")],
)
def test_a_wrong_pyproject_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    """The same holds for pyproject.toml."""
    (tmp_path / "pyproject.toml").write_text(text)

    with pytest.raises(UsageError, match=message):
        config.load(tmp_path, KNOWN)


def test_two_files_that_set_options_are_refused(tmp_path: Path) -> None:
    """Nobody has to find out which of the two wins."""
    (tmp_path / "alembic-rehearsal.yml").write_text("dump: a.sql")
    (tmp_path / "pyproject.toml").write_text('[tool.alembic-rehearsal]\ndump = "b.sql"\n')

    with pytest.raises(UsageError, match="keep one of them"):
        config.load(tmp_path, KNOWN)
