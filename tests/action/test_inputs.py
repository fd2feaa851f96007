"""The inputs of a workflow as arguments of the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import alembic_rehearsal
from alembic_rehearsal import cli
from alembic_rehearsal.actions import inputs
from alembic_rehearsal.errors import UsageError

ROOT = Path(alembic_rehearsal.__file__).parent.parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def read(**given: str) -> inputs.Inputs:
    """Read inputs as the runner hands them over: upper case, hyphens as they are."""
    return inputs.read({f"INPUT_{name.replace('_', '-').upper()}": value for name, value in given.items()}, cli.run)


def test_every_option_of_the_command_line_is_an_input_of_the_same_name() -> None:
    """action.yml lists them all, each described, and none that doesn't exist."""
    assert set(ACTION["inputs"]) == {*inputs.options(cli.run), *inputs.OWN}
    assert all(each["description"] for each in ACTION["inputs"].values())


def test_the_action_takes_no_arguments() -> None:
    """Paths in `args` stay the host's, and the runner's quoting of them breaks at a backslash."""
    assert ACTION["runs"] == {"using": "docker", "image": "Dockerfile"}


def test_an_input_becomes_its_option() -> None:
    """With an equals sign, so that a value may begin with a hyphen."""
    assert read(dump="db/production.sql", target="-1").arguments == ("--dump=db/production.sql", "--target=-1")


def test_hyphens_and_underscores_are_the_same() -> None:
    """The runner keeps a hyphen; what passes through a shell has lost it."""
    kept = inputs.read({"INPUT_PYTHON-VERSION": "3.11"}, cli.run)
    lost = inputs.read({"INPUT_PYTHON_VERSION": "3.11"}, cli.run)

    assert kept == lost
    assert kept.python_version == "3.11"


def test_the_two_forms_may_not_contradict_each_other() -> None:
    """Which one was meant can't be known."""
    with pytest.raises(UsageError, match="given twice"):
        inputs.read({"INPUT_PYTHON-VERSION": "3.11", "INPUT_PYTHON_VERSION": "3.12"}, cli.run)


def test_an_option_that_may_be_repeated_has_one_value_a_line() -> None:
    """A list of YAML is no input; a block of text is."""
    asked = read(include_data="roles\n  plans\n\n", x="tenant=a\n-b")

    assert asked.arguments == ("-x", "tenant=a", "-x", "-b", "--include-data=roles", "--include-data=plans")


@pytest.mark.parametrize(("text", "expected"), [("true", ("--verbose",)), ("True", ("--verbose",)), ("false", ())])
def test_a_flag_is_true_or_false(text: str, expected: tuple[str, ...]) -> None:
    """A YAML boolean arrives as a word."""
    assert read(verbose=text).arguments == expected


def test_a_flag_that_is_neither_is_an_error() -> None:
    """Better than a guess."""
    with pytest.raises(UsageError, match="'verbose' is 'maybe'") as caught:
        read(verbose="maybe")

    assert caught.value.fix == "verbose: true, or verbose: false"


def test_an_unknown_input_is_an_error_with_the_nearest_name() -> None:
    """The runner only warns of it and goes on without."""
    with pytest.raises(UsageError, match="unknown input 'pythn-version'") as caught:
        read(pythn_version="3.11")

    assert caught.value.fix == "Did you mean 'python-version'?"


@pytest.mark.parametrize("name", ["keep", "from_url", "args", "entrypoint"])
def test_what_makes_no_sense_in_a_job_is_no_input(name: str) -> None:
    """Nobody presses Enter there, and the job of a pull request has no address of production."""
    with pytest.raises(UsageError, match="unknown input"):
        read(**{name: "x"})


def test_an_empty_input_was_not_given() -> None:
    """The runner passes an input without a value as an empty variable."""
    assert read(dump="", verbose="", timeout="") == read()


def test_reports_are_pairs_of_format_and_file() -> None:
    """A format without a file gets one of its own."""
    asked = read(format="sarif\njunit", output="reports/a.sarif")

    assert asked.reports == (("sarif", "reports/a.sarif"), ("junit", ""))


def test_a_file_without_a_format_is_an_error() -> None:
    """What is to be written to it isn't said."""
    with pytest.raises(UsageError, match="2 files in the input 'output' for 1 in 'format'"):
        read(format="sarif", output="a\nb")


def test_the_password_of_a_servers_url_is_a_secret() -> None:
    """And isn't shown with the inputs either."""
    asked = read(postgres="postgresql://me:hunter2@db:5432/postgres")

    assert asked.secrets == ("hunter2",)
    assert read(postgres="docker").secrets == ()


def test_the_token_is_a_secret_and_no_argument() -> None:
    """It goes to the API and nowhere else."""
    asked = read(comment="true", token="t0ken", directory="services/api", name="billing")

    assert asked.comment
    assert (asked.token, asked.secrets) == ("t0ken", ("t0ken",))
    assert asked.project == ("services/api", "", "billing")
    assert asked.arguments == ("--directory=services/api", "--name=billing")
    assert "t0ken" not in repr(asked)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"pull_request": {"base": {"sha": "a" * 40}}}, "a" * 40),
        ({"merge_group": {"base_sha": "b" * 40}}, "b" * 40),
        ({"before": "c" * 40}, ""),
        ({"pull_request": {"base": {"sha": "--output=x"}}}, ""),
        ([], ""),
    ],
)
def test_the_base_of_a_pull_request_is_in_the_event(event: object, expected: str, tmp_path: Path) -> None:
    """Nothing else of the event is taken for it."""
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))

    assert inputs.base_of({"GITHUB_EVENT_PATH": str(file)}) == expected
    assert inputs.base_of({}) == ""


@pytest.mark.parametrize("file", ["../x.sarif", "a/../../x.sarif"])
def test_a_report_outside_of_the_workspace_is_a_mistake(file: str) -> None:
    """It would lie in the container, which is gone when a later step looks for it."""
    with pytest.raises(UsageError, match="outside of the workspace"):
        inputs.read({"INPUT_FORMAT": "sarif", "INPUT_OUTPUT": file}, cli.run)
