"""A stand-in for GitHub's REST API: a real HTTP server with the three calls on comments, as their documentation says.

Sources: https://docs.github.com/en/rest/issues/comments, https://docs.github.com/en/graphql/reference/queries,
https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
What it can't show is that GitHub itself behaves so.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

MOST_CHARACTERS = 65_536
BOT = {"login": "github-actions[bot]", "type": "Bot"}


@dataclass
class GitHub:
    """One repository, octo/shop, and what was asked of it.

    Attributes:
        tokens: token -> user that it belongs to; a job's own token has no user that it could ask for.
        readers: tokens that may not write.
        refusal: status and headers of the answer to everything.
        speaks_graphql: says there whose a token is, which an app's may ask.
    """

    url: str
    comments: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, dict[str, str]] = field(default_factory=lambda: {"job-token": BOT})
    readers: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refusal: tuple[int, dict[str, str]] | None = None
    speaks_graphql: bool = True

    def say(self, body: str, user: dict[str, str], *, number: int = 7) -> None:
        """Let *user* comment."""
        self.comments.append({"id": 1000 + len(self.comments), "issue": number, "body": body, "user": user})

    @property
    def mine(self) -> list[str]:
        """The bodies of the bot's comments."""
        return [each["body"] for each in self.comments if each["user"] == BOT]


@contextmanager
def serving(host: str = "127.0.0.1", prefix: str = "") -> Iterator[GitHub]:
    """Serve on a port of *host*; *prefix* is "/api/v3" for an Enterprise server."""
    server = ThreadingHTTPServer((host, 0), _Handler)
    server.daemon_threads = True
    github = GitHub(f"http://{host}:{server.server_port}{prefix}")
    server.github, server.prefix = github, prefix  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass

    def _handle(self) -> None:
        github: GitHub = self.server.github  # type: ignore[attr-defined]
        prefix: str = self.server.prefix  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        path = parts.path.removeprefix(prefix)
        github.asked.append((self.command, path))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        if github.refusal:
            self._answer(github.refusal[0], {"message": "as the test wants it"}, **github.refusal[1])
        elif not parts.path.startswith(prefix) or self.headers["Accept"] != "application/vnd.github+json":
            self._answer(404, {"message": "Not Found"})
        elif token not in github.tokens:
            self._answer(401, {"message": "Bad credentials"})
        elif path in ("/user", "/graphql"):
            self._whose(github, github.tokens[token], path, body)
        elif found := re.fullmatch(r"/repos/octo/shop/issues/(\d+)/comments", path):
            if self.command == "GET":
                self._list(github, int(found[1]), parse_qs(parts.query))
            elif self._may_write(github, token, body):
                github.say(body["body"], github.tokens[token], number=int(found[1]))
                self._answer(201, github.comments[-1])
        elif found := re.fullmatch(r"/repos/octo/shop/issues/comments/(\d+)", path):
            [comment] = [each for each in github.comments if each["id"] == int(found[1])]
            if self.command == "PATCH" and self._may_write(github, token, body):
                comment["body"] = body["body"]
                self._answer(200, comment)
        else:
            self._answer(404, {"message": "Not Found"})

    do_GET = do_POST = do_PATCH = _handle  # noqa: N815

    def _whose(self, github: GitHub, user: dict[str, str], path: str, body: object) -> None:
        if path == "/graphql" and github.speaks_graphql:
            assert body == {"query": "{ viewer { login } }"}
            self._answer(200, {"data": {"viewer": {"login": user["login"]}}})
        elif path == "/graphql" or user["type"] == "Bot":
            self._answer(403, {"message": "Resource not accessible by integration"})
        else:
            self._answer(200, user)

    def _may_write(self, github: GitHub, token: str, body: dict[str, Any]) -> bool:
        if token in github.readers:
            self._answer(403, {"message": "Resource not accessible by integration"})
            return False
        if not body.get("body") or len(body["body"]) > MOST_CHARACTERS:
            self._answer(422, {"message": f"Body is too long (maximum is {MOST_CHARACTERS} characters)"})
            return False
        return True

    def _list(self, github: GitHub, number: int, query: dict[str, list[str]]) -> None:
        size = min(int(query.get("per_page", ["30"])[0]), 100)
        page = int(query.get("page", ["1"])[0])
        found = [each for each in github.comments if each["issue"] == number]
        links = {}
        if page * size < len(found):
            url = f"{github.url}{urlsplit(self.path).path.removeprefix(urlsplit(github.url).path)}?per_page={size}"
            last = -(-len(found) // size)
            links["Link"] = f'<{url}&page={page + 1}>; rel="next", <{url}&page={last}>; rel="last"'
        self._answer(200, found[(page - 1) * size : page * size], **links)

    def _answer(self, status: int, content: object, **headers: str) -> None:
        raw = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(raw)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)
