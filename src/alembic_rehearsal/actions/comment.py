"""One comment on the pull request, found again by a hidden marker and brought up to date in its place.

Source: https://docs.github.com/en/rest/issues/comments (a pull request is an issue there).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic_rehearsal.actions.api import Api, ApiError
from alembic_rehearsal.report._markup import code

_API = "https://api.github.com"
_NEEDED = "the job needs `permissions: pull-requests: write`, and the input token: ${{ github.token }}"
_MOST_NAME = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What became of the comment.

    Attributes:
        kind: of the annotation that says so, "notice" or "warning"; "" when there is nothing to say.
    """

    kind: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Request:
    """The pull request that the job is about."""

    number: int
    from_fork: bool
    head: str


def post(text: str, *, environ: Mapping[str, str], token: str, project: tuple[str, ...]) -> Told:
    """Put *text* on the job's pull request; whatever goes wrong is told and changes nothing else.

    Args:
        text: what the reporter `comment` made.
        environ: the variables of the job.
        token: may write to pull requests.
        project: directory, configuration file and section: each project of a repository has a comment of its own.
    """
    if not token:
        return Told("warning", f"no comment: the input token is empty; {_NEEDED}")
    request = _request(environ)
    if request is None:
        return Told("notice", f"no comment: {environ.get('GITHUB_EVENT_NAME') or 'this'} is no pull request")
    if request.from_fork:
        return Told("notice", "no comment: a pull request from a fork has a token that can only read")
    mark = marker(project)
    body = f"{mark}\n{text}\n{_foot(environ, request, project)}"
    api = Api(environ.get("GITHUB_API_URL") or _API, token)
    try:
        _put(api, f"repos/{environ.get('GITHUB_REPOSITORY', '')}/issues", request.number, mark, body)
    except ApiError as error:
        return _told(error)
    return Told("", "")


def marker(project: tuple[str, ...]) -> str:
    """Return the first line of the comment on *project*, which nobody sees; a digest, so that no name can end it."""
    directory, *others = project
    key = json.dumps([posixpath.normpath(directory or "."), *others])
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


def _foot(environ: Mapping[str, str], request: _Request, project: tuple[str, ...]) -> str:
    server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
    run = f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{environ.get('GITHUB_RUN_ID', '')}"
    about = ", ".join(code(part, _MOST_NAME) for part in project if part and part != ".")
    about = f"Project {about}. " if about else ""
    return f"{about}The whole report on {code(request.head[:12], 12)}: [summary of the run]({run}).\n"


def _put(api: Api, issues: str, number: int, mark: str, body: str) -> None:
    found = [each for each in api.each(f"{issues}/{number}/comments?per_page=100") if _begins(each, mark)]
    login = _login(api) if found else ""
    mine = [each for each in found if _is_mine(each, login)]
    if mine:
        api.call("PATCH", f"{issues}/comments/{int(mine[0]['id'])}", {"body": body})
    else:
        api.call("POST", f"{issues}/{number}/comments", {"body": body})


def _begins(comment: Any, mark: str) -> bool:
    return isinstance(comment, dict) and str(comment.get("body", "")).startswith(mark)


def _login(api: Api) -> str:
    """Return whose the token is; "" for a job's own, which may not ask."""
    try:
        return str(api.call("GET", "user").get("login", ""))
    except (ApiError, AttributeError):
        return ""


def _is_mine(comment: Any, login: str) -> bool:
    """Say whether *comment* is this token's: what a person wrote with our marker stays that person's to change."""
    author = comment.get("user") or {}
    return bool(author.get("login") == login if login else author.get("type") == "Bot")


def _told(error: ApiError) -> Told:
    if error.status in (403, 404) and not error.limited:
        return Told("notice", f"no comment: the token may not write one ({error}); {_NEEDED}")
    return Told("warning", f"no comment: {error}")
