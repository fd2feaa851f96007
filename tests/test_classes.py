"""Classes of incidents in real projects: the light part of `python -m scripts.classes`, whose results are a page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alembic_rehearsal.postgres import Cluster, databases

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts import classes
from scripts.histories.production import Server

ROWS = {line[2:].partition(":")[0]: line for line in classes.PAGE.read_text().splitlines() if line.startswith("| ")}


@pytest.fixture
def server(cluster: Cluster) -> Iterator[Server]:
    found = Server(cluster)
    found.prepare()
    yield found
    databases.drop(cluster, "optuna_class")


def test_every_class_has_its_row() -> None:
    assert [each.id for each in classes.INCIDENTS] == [name for name in ROWS if len(name) == 1]


@pytest.mark.parametrize("class_", ["C", "D"])
def test_optuna_is_as_the_page_says(class_: str, server: Server, tmp_path: Path) -> None:
    """It is among the tests' requirements, so this environment is its own; the others' are too large."""
    (tmp_path / "optuna").symlink_to(sys.prefix)
    incident = next(each for each in classes.INCIDENTS if each.id == class_)

    found = classes.reproduce(incident, tmp_path, server)

    # What is said, the cause and what was tried; the version is the one that is installed here.
    assert classes.row(incident, found).split(" | ")[2:] == ROWS[class_].split(" | ")[2:]
