"""The comment on the pull request, on a real HTTP server that stands in for GitHub's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fix_github import BOT, MOST_CHARACTERS, GitHub, serving

from alembic_rehearsal.actions import comment

PERSON = {"login": "mallory", "type": "User"}
PROJECT = ("services/api", "", "")


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serving() as served:
        yield served


def job(github: GitHub, folder: Path, *, head: str | None = "octo/shop", event: Any = None) -> dict[str, str]:
    """Return the variables of a job on pull request 7, whose branch is in the repository *head*."""
    pull = {
        "number": 7,
        "head": {"sha": "0123456789abcdef" * 2, "repo": {"full_name": head} if head else None},
        "base": {"repo": {"full_name": "octo/shop"}},
    }
    (folder / "event.json").write_text(json.dumps({"pull_request": pull} if event is None else event))
    return {
        "GITHUB_API_URL": github.url,
        "GITHUB_SERVER_URL": "https://git.example",
        "GITHUB_REPOSITORY": "octo/shop",
        "GITHUB_RUN_ID": "42",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
    }


def post(
    text: str, environ: dict[str, str], *, token: str = "job-token", project: tuple[str, ...] = PROJECT
) -> comment.Told:
    return comment.post(text, environ=environ, token=token, project=project)


def test_one_comment_is_made_and_then_kept_up_to_date(github: GitHub, tmp_path: Path) -> None:
    """The second run finds the first one's, among those of people; it says where the whole report is."""
    environ = job(github, tmp_path)
    github.say("looks good", PERSON)

    first = post("BLOCKED", environ)
    github.say("oh", PERSON)
    second = post("PASS", environ)

    assert first == second == comment.Told("", "")
    [body] = github.mine
    assert "PASS\n" in body
    assert "BLOCKED" not in body
    assert "Project `services/api`. The whole report on `0123456789ab`" in body
    assert "https://git.example/octo/shop/actions/runs/42" in body
    assert body.startswith("<!-- alembic-rehearsal ")


def test_it_is_found_behind_hundreds_of_others(github: GitHub, tmp_path: Path) -> None:
    """A page holds a hundred at most, and the answer names the next one."""
    environ = job(github, tmp_path)
    for number in range(250):
        github.say(f"comment {number}", PERSON)
    post("first", environ)
    github.asked.clear()

    post("second", environ)

    [body] = github.mine
    assert "second" in body
    assert [method for method, path in github.asked if path.endswith("/7/comments")] == ["GET"] * 3


def test_each_project_has_its_own(github: GitHub, tmp_path: Path) -> None:
    """By directory, file and section; "./x/" is the same directory as "x"."""
    environ = job(github, tmp_path)
    for project in (PROJECT, ("services/web", "", ""), ("services/api", "", "billing"), ("./services/api/", "", "")):
        post(f"from {project[0]}", environ, project=project)

    assert len(github.mine) == 3
    assert "from ./services/api/" in github.mine[0]


def test_each_rehearsal_of_a_project_has_its_own(github: GitHub, tmp_path: Path) -> None:
    """What passes on one production says nothing of another."""
    environ = job(github, tmp_path)
    for text, variant in (
        ("BLOCKED", {"dump": "eu.sql"}),
        ("PASS", {"dump": "us.sql"}),
        ("PASS", {"dump": "eu.sql", "role": "app"}),
        ("PASS", {"dump": "eu.sql", "target": "a1"}),
        ("PASS", {"dump": "eu.sql", "command": "flask db upgrade"}),
        ("BLOCKED again", {"dump": "eu.sql"}),
    ):
        told = comment.post(text, environ=environ, token="job-token", project=PROJECT, variant=variant)
        assert told == comment.Told("", "")

    assert [body.split("\n")[2] for body in github.mine] == ["BLOCKED again", *["PASS"] * 4]
    assert "Project `services/api`. Dump `eu.sql`. Role `app`. The whole report" in github.mine[2]


@pytest.mark.parametrize(
    ("run", "attempt", "stands"),
    [("41", "9", "newer"), ("42", "1", "newer"), ("42", "2", "mine"), ("42", "3", "mine"), ("100", "1", "mine")],
)
def test_a_newer_runs_comment_stays(github: GitHub, tmp_path: Path, run: str, attempt: str, stands: str) -> None:
    """A slow run of an earlier commit may end after it; the attempts of one run have its number."""
    environ = job(github, tmp_path)
    post("newer", {**environ, "GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "2"})

    told = post("mine", {**environ, "GITHUB_RUN_ID": run, "GITHUB_RUN_ATTEMPT": attempt})

    assert github.mine[0].split("\n")[2] == stands
    assert told.kind == ("notice" if stands == "newer" else "")
    assert ("a newer run's" in told.text) is (stands == "newer")


@pytest.mark.parametrize("speaks_graphql", [True, False])
def test_another_bots_comment_is_not_the_jobs(github: GitHub, tmp_path: Path, *, speaks_graphql: bool) -> None:
    """One that repeats what others wrote, for instance."""
    github.speaks_graphql = speaks_graphql
    github.say(comment.marker(PROJECT, {}) + "\nPASS", {"login": "parrot[bot]", "type": "Bot"})

    post("first", job(github, tmp_path))
    post("second", job(github, tmp_path))

    assert github.comments[0]["body"].endswith("PASS")
    [body] = github.mine
    assert "second" in body


@pytest.mark.parametrize("login", ["rehearser[bot]", "rehearser"])
def test_an_apps_token_updates_that_apps_comment(github: GitHub, tmp_path: Path, login: str) -> None:
    """It may not ask who the user is, and is told by the other interface."""
    github.say(comment.marker(PROJECT, {}), BOT)
    github.say(comment.marker(PROJECT, {}), {"login": "rehearser[bot]", "type": "Bot"})
    github.tokens["app"] = {"login": login, "type": "Bot"}

    post("mine", job(github, tmp_path), token="app")

    assert len(github.comments) == 2
    assert "mine" in github.comments[1]["body"]


def test_a_person_who_writes_our_marker_keeps_the_comment(github: GitHub, tmp_path: Path) -> None:
    """Whose comment it is decides: that person could change it to say "pass" afterwards."""
    github.say(comment.marker(PROJECT, {}) + "\nPASS", PERSON)

    post("BLOCKED", job(github, tmp_path))

    assert github.comments[0]["body"].endswith("PASS")
    assert len(github.mine) == 1


def test_a_persons_token_updates_that_persons_comment(github: GitHub, tmp_path: Path) -> None:
    """Such a token may ask whose it is; another bot's comment is not its own."""
    owner = {"login": "robin", "type": "User"}
    github.tokens["personal"] = owner
    github.say(comment.marker(PROJECT, {}), BOT)
    environ = job(github, tmp_path)

    post("first", environ, token="personal")
    post("second", environ, token="personal")

    assert [each["user"]["login"] for each in github.comments] == ["github-actions[bot]", "robin"]
    assert "second" in github.comments[1]["body"]


def test_an_enterprise_server_has_its_api_elsewhere(tmp_path: Path) -> None:
    """GITHUB_API_URL has a path there, which the addresses keep."""
    with serving(prefix="/api/v3") as github:
        environ = job(github, tmp_path)
        for number in range(101):
            github.say(f"{number}", PERSON)
        told = [post(text, environ) for text in ("first", "second")]

        assert told == [comment.Told("", "")] * 2
        assert len(github.mine) == 1


def test_a_token_that_can_only_read_is_a_notice(github: GitHub, tmp_path: Path) -> None:
    """It says what the job needs."""
    github.readers.add("job-token")

    told = post("x", job(github, tmp_path))

    assert told.kind == "notice"
    assert "403 Resource not accessible by integration" in told.text
    assert "pull-requests: write" in told.text


@pytest.mark.parametrize("token", ["job-token", ""])
@pytest.mark.parametrize("head", ["mallory/shop", None])
def test_a_fork_is_not_even_tried(github: GitHub, tmp_path: Path, head: str | None, token: str) -> None:
    """Its token can only read, and a secret is empty there; the fork itself may be gone already."""
    told = post("x", job(github, tmp_path, head=head), token=token)

    assert (told.kind, github.asked) == ("notice", [])
    assert "fork" in told.text


@pytest.mark.parametrize("event", [{"ref": "refs/heads/main"}, {"pull_request": None}, {"pull_request": 1}, [], "x"])
def test_another_event_is_a_notice(github: GitHub, tmp_path: Path, event: Any) -> None:
    """A push and a merge group have no pull request."""
    told = post("x", {**job(github, tmp_path, event=event), "GITHUB_EVENT_NAME": "push"})

    assert told == comment.Told("notice", "no comment: push is no pull request")
    assert github.asked == []


def test_without_an_event_there_is_no_pull_request() -> None:
    """Outside of GitHub."""
    assert post("x", {}).kind == "notice"


def test_an_empty_token_is_said(github: GitHub, tmp_path: Path) -> None:
    """A secret that isn't there is an empty text."""
    told = post("x", job(github, tmp_path), token="")

    assert (told.kind, github.asked) == ("warning", [])
    assert "the input token is empty" in told.text


@pytest.mark.parametrize(
    ("refusal", "kind", "said"),
    [
        ((401, {}), "warning", "401 as the test wants it"),
        ((403, {"x-ratelimit-remaining": "0"}), "warning", "403 as the test"),
        ((429, {}), "warning", "429"),
        ((404, {}), "notice", "may not write"),
        ((500, {}), "warning", "500"),
        ((302, {"Location": "http://127.0.0.1:1/"}), "warning", "302"),
    ],
)
def test_whatever_the_api_answers_is_told(
    github: GitHub, tmp_path: Path, refusal: tuple[int, dict[str, str]], kind: str, said: str
) -> None:
    """And nothing is followed to another place, with the token."""
    github.refusal = refusal

    told = post("x", job(github, tmp_path))

    assert told.kind == kind
    assert said in told.text
    assert "job-token" not in told.text
    assert len(github.asked) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no.such.host.invalid", "file:///etc/passwd", "x"])
def test_no_answer_is_told(github: GitHub, tmp_path: Path, url: str) -> None:
    """A connection that is refused, a name that isn't known, an address that is none."""
    told = post("x", {**job(github, tmp_path), "GITHUB_API_URL": url})

    assert told.kind == "warning"
    assert told.text.startswith("no comment: ")


def test_a_next_page_elsewhere_is_not_asked(github: GitHub, tmp_path: Path) -> None:
    """The token goes to the API's host only."""
    github.refusal = (200, {"Link": '<http://evil.example/page>; rel="next"'})

    told = post("x", job(github, tmp_path))

    assert told.kind == "warning"
    assert "http://evil.example/page is not on" in told.text


def test_a_directorys_name_stays_a_name(github: GitHub, tmp_path: Path) -> None:
    """It can't end the marker, begin HTML, or mention anybody."""
    post("x", job(github, tmp_path), project=("--><img src=x> @team `", "", ""))

    [body] = github.mine
    assert body.count("-->") == 2  # the marker's and the run's
    assert "<img" not in body
    assert "@team" not in body


def test_what_the_server_refuses_for_its_length_is_not_what_we_send(github: GitHub, tmp_path: Path) -> None:
    """The stand-in's own limit, which the reporter's page has to stay below with the rest."""
    told = post("x" * MOST_CHARACTERS, job(github, tmp_path))

    assert "422 Body is too long" in told.text
