"""One comment on the pull request, found again by a hidden marker and brought up to date in its place.

Source: https://docs.github.com/en/rest/issues/comments (a pull request is an issue there).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic_rehearsal.actions.api import Api, ApiError
from alembic_rehearsal.report._markup import code

_API = "https://api.github.com"
_NEEDED = "the job needs `permissions: pull-requests: write`, and the input token: ${{ github.token }}"
_MOST_NAME = 200
# Whose comments are those of a job's own token, and what the login of every app ends with.
_JOBS_OWN, _BOT = "github-actions[bot]", "[bot]"
_RUN = re.compile(r"<!-- run (\d+) attempt (\d+) -->")


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What became of the comment.

    Attributes:
        kind: of the annotation that says so, "notice" or "warning"; "" when there is nothing to say.
    """

    kind: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class _Run:
    """Which run of a workflow wrote a comment; a later one has the greater number."""

    number: int = 0
    attempt: int = 0

    def line(self) -> str:
        """Return the comment's second line, which nobody sees."""
        return f"<!-- run {self.number} attempt {self.attempt} -->"

    @classmethod
    def of(cls, body: str) -> _Run:
        """Return which one wrote *body*."""
        found = _RUN.fullmatch("".join(body.splitlines()[1:2]))
        return cls(*map(int, found.groups())) if found else cls()


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """Where the comment is: the path of the API's issues, the pull request, the first line."""

    issues: str
    number: int
    mark: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Request:
    """The pull request that the job is about."""

    number: int
    from_fork: bool
    head: str


def post(
    text: str,
    *,
    environ: Mapping[str, str],
    token: str,
    project: tuple[str, ...],
    variant: Mapping[str, str] | None = None,
) -> Told:
    """Put *text* on the job's pull request; whatever goes wrong is told and changes nothing else.

    Args:
        text: what the reporter `comment` made.
        environ: the variables of the job.
        token: may write to pull requests.
        project: directory, configuration file and section: each project of a repository has a comment of its own,
        variant: and so has each dump, target, command and role that it is rehearsed with.
    """
    request = _request(environ)
    if request is None:
        return Told("notice", f"no comment: {environ.get('GITHUB_EVENT_NAME') or 'this'} is no pull request")
    if request.from_fork:
        return Told("notice", "no comment: a pull request from a fork has a token that can only read")
    # A fork's job gets no secret at all, so this is looked at last.
    if not token:
        return Told("warning", f"no comment: the input token is empty; {_NEEDED}")
    mark = marker(project, variant or {})
    run = _Run(*(_number(environ.get(f"GITHUB_RUN_{part}", "")) for part in ("ID", "ATTEMPT")))
    body = f"{mark}\n{run.line()}\n{text}\n{_foot(environ, request, project, variant or {})}"
    api = Api(environ.get("GITHUB_API_URL") or _API, token)
    place = _Place(f"repos/{environ.get('GITHUB_REPOSITORY', '')}/issues", request.number, mark)
    try:
        return _put(api, environ.get("GITHUB_GRAPHQL_URL") or "graphql", place, run, body)
    except ApiError as error:
        return _told(error)


def marker(project: tuple[str, ...], variant: Mapping[str, str]) -> str:
    """Return the first line of the comment on *project*, which nobody sees; a digest, so that no name can end it."""
    directory, *others = project
    key = json.dumps([posixpath.normpath(directory or "."), *others, dict(sorted(variant.items()))])
    return f"<!-- alembic-rehearsal {hashlib.sha256(key.encode()).hexdigest()[:16]} -->"


def _request(environ: Mapping[str, str]) -> _Request | None:
    try:
        event = json.loads(Path(environ.get("GITHUB_EVENT_PATH", "")).read_text(encoding="utf-8"))
        pull = event["pull_request"]
        # The fork may have been deleted.
        source = (pull["head"]["repo"] or {}).get("full_name")
        return _Request(int(pull["number"]), source != pull["base"]["repo"]["full_name"], str(pull["head"]["sha"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _foot(environ: Mapping[str, str], request: _Request, project: tuple[str, ...], variant: Mapping[str, str]) -> str:
    server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
    run = f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{environ.get('GITHUB_RUN_ID', '')}"
    about = ", ".join(code(part, _MOST_NAME) for part in project if part and part != ".")
    about = f"Project {about}. " if about else ""
    about += "".join(f"{name.capitalize()} {code(value, _MOST_NAME)}. " for name, value in variant.items())
    return f"{about}The whole report on {code(request.head[:12], 12)}: [summary of the run]({run}).\n"


def _put(api: Api, graphql: str, place: _Place, run: _Run, body: str) -> Told:
    comments = f"{place.issues}/{place.number}/comments"
    found = [each for each in api.each(f"{comments}?per_page=100") if _begins(each, place.mark)]
    owner = _owner(api, graphql) if found else ("", "")
    mine = [each for each in found if _is_mine(each, owner)]
    if not mine:
        api.call("POST", comments, {"body": body})
    elif _Run.of(str(mine[0]["body"])) > run:
        return Told("notice", "no comment: what stands there is a newer run's")
    else:
        api.call("PATCH", f"{place.issues}/comments/{int(mine[0]['id'])}", {"body": body})
    return Told("", "")


def _begins(comment: Any, mark: str) -> bool:
    return isinstance(comment, dict) and str(comment.get("body", "")).startswith(mark)


def _owner(api: Api, graphql: str) -> tuple[str, str]:
    """Return login and type of whose the token is.

    An app's, as a job's own is one, may not ask who the user is; the other interface tells it.
    """
    try:
        user = api.call("GET", "user")
        return str(user["login"]), str(user["type"])
    except (ApiError, LookupError, TypeError):
        pass
    try:
        login = str(api.call("POST", graphql, {"query": "{ viewer { login } }"})["data"]["viewer"]["login"])
    except (ApiError, LookupError, TypeError):
        login = _JOBS_OWN
    return f"{login.removesuffix(_BOT)}{_BOT}", "Bot"


def _is_mine(comment: Any, owner: tuple[str, str]) -> bool:
    """Say whether *comment* is this token's: what somebody else wrote with our marker stays theirs to change."""
    author = comment.get("user") or {}
    return (author.get("login"), author.get("type")) == owner


def _told(error: ApiError) -> Told:
    if error.status in (403, 404) and not error.limited:
        return Told("notice", f"no comment: the token may not write one ({error}); {_NEEDED}")
    return Told("warning", f"no comment: {error}")
