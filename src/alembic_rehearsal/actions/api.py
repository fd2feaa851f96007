"""GitHub's REST API, as far as a comment needs it.

Source: https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPMessage
from typing import Any
from urllib.parse import urljoin, urlsplit

_VERSION = "2022-11-28"
_TIMEOUT_S = 10
_MOST_BYTES = 32 << 20
# 5,000 comments: a pull request with more has other troubles.
_MOST_PAGES = 50
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,]*rel="next"')


class ApiError(Exception):
    """The API refused, or there was no answer.

    Attributes:
        status: of the answer, 0 when there was none.
        limited: too many requests were made, by whomever the token belongs to.
    """

    def __init__(self, message: str, *, status: int = 0, limited: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.limited = limited


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: urllib would send the token along, wherever that leads."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class Api:
    """One repository's host, asked as one token."""

    def __init__(self, root: str, token: str) -> None:
        self._root = f"{root.rstrip('/')}/"
        self._token = token
        self._opener = urllib.request.build_opener(_NoRedirect)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return what the API answers.

        Raises:
            ApiError: it refused, or there was no answer.
        """
        return self._answer(method, urljoin(self._root, path), body)[0]

    def each(self, path: str) -> Iterator[Any]:
        """Yield the items of a list, page by page.

        Raises:
            ApiError: as for `call`.
        """
        url = urljoin(self._root, path)
        for _ in range(_MOST_PAGES):
            items, headers = self._answer("GET", url, None)
            yield from items if isinstance(items, list) else ()
            following = _NEXT.search(headers.get("Link", ""))
            if following is None:
                return
            url = urljoin(url, following[1])

    def _answer(self, method: str, url: str, body: object) -> tuple[Any, HTTPMessage]:
        if urlsplit(url)[:2] != urlsplit(self._root)[:2] or urlsplit(url).scheme not in ("https", "http"):
            raise ApiError(f"{url} is not on {self._root}")
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            url,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "User-Agent": "alembic-rehearsal",
                "X-GitHub-Api-Version": _VERSION,
            },
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                return json.loads(answer.read(_MOST_BYTES)), answer.headers
        except urllib.error.HTTPError as error:
            raise _refusal(error) from error
        except (OSError, HTTPException, ValueError) as error:
            raise ApiError(f"no answer from {self._root}: {error}") from error


def _refusal(error: urllib.error.HTTPError) -> ApiError:
    """Return what the API says; a limit is told by a header, its status is that of a lacking permission.

    Source: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    with error:
        try:
            said = json.loads(error.read(65536)).get("message", "")
        except (OSError, ValueError, AttributeError):
            said = ""
    limited = error.code == 429 or error.headers.get("x-ratelimit-remaining") == "0" or "Retry-After" in error.headers
    return ApiError(f"{error.code} {said or error.reason}", status=error.code, limited=limited)
