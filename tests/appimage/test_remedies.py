"""A remedy for a revision in an image is tried there, if this repository has the file that is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fix_images import DUMP, Build, containers, project

from fix_projects import Run, run_tool

pytestmark = pytest.mark.docker

TEAMS = 'op.create_table("teams", sa.Column("id", sa.Integer))'
BY_HAND = "CREATE TABLE public.teams (id integer, by_hand text);\n"


def workspace(folder: Path) -> Path:
    """Make a workspace with the dump of a production where somebody has made the table."""
    folder.mkdir(exist_ok=True)
    (folder / "production.sql").write_text(DUMP.replace("CREATE TABLE", BY_HAND + "CREATE TABLE", 1))
    return folder


def rehearsed(image: str, cwd: Path) -> Run:
    done = run_tool("run", "--app-image", image, "--dump", "production.sql", "--format", "json", cwd=cwd)
    assert containers(image) == []
    return done


def test_a_remedy_is_tried_in_the_image(build: Build, tmp_path: Path) -> None:
    """The patch is for the file in the repository; the image's stays as it is."""
    image = build(project(tmp_path / "project", TEAMS))
    work = workspace(project(tmp_path / "work", TEAMS))
    before = (work / "migrations" / "versions" / "b2.py").read_text()

    done = rehearsed(image, work)

    assert done.status == 1, done.stdout + done.stderr
    [error] = done.errors
    assert error["sqlstate"] == "42P07"
    trials = {each["kind"]: each["trial"]["outcome"] for each in error["remedies"]}
    assert trials["guard"] == "passed", trials
    [remedy] = [each for each in error["remedies"] if each["kind"] == "guard"]
    assert (remedy["trial"]["outcome"], remedy["trial"]["on"]) == (
        "passed",
        ["production's schema", "an empty database"],
    )
    assert "a/migrations/versions/b2.py" in remedy["diff"]
    assert (work / "migrations" / "versions" / "b2.py").read_text() == before


def test_another_file_than_the_images_is_not_patched(build: Build, tmp_path: Path) -> None:
    """The repository has gone on since the image was built, or it has no such file at all."""
    image = build(project(tmp_path / "project", TEAMS))
    work = workspace(project(tmp_path / "work", f"{TEAMS}  # and more"))

    done = rehearsed(image, work)
    nowhere = rehearsed(image, workspace(tmp_path / "nowhere"))

    trials = [each["trial"] for each in done.errors[0]["remedies"] if each["kind"] == "guard"]
    assert [each["outcome"] for each in trials] == ["not tried"]
    assert "/app/migrations/versions/b2.py in the image is not the file that is here" in trials[0]["reason"]
    assert not nowhere.errors[0]["remedies"]
    assert [note for note in nowhere.report["notes"] if note.startswith("no remedy was tried: the image's revisions")]
