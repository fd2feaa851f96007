"""The files of an image, read through a container that is never started: nothing in the image has to be able to run."""

from __future__ import annotations

import base64
import json
import posixpath
import secrets
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from alembic_rehearsal.errors import ProjectError
from alembic_rehearsal.postgres import engine

if TYPE_CHECKING:
    from docker import APIClient

# Bits of Go's FileMode, in which the engine states modes: https://pkg.go.dev/io/fs#FileMode
_DIRECTORY, _LINK, _MAY_RUN = 1 << 31, 1 << 27, 0o111
_MOST_LINKS = 10
# Of a tar archive, before the content of its first file.
_MOST_HEADERS = 1 << 14


@dataclass(frozen=True, slots=True)
class Files:
    """An image's files. Paths are absolute and the image's own."""

    api: APIClient
    id: str

    def resolved(self, path: str) -> tuple[str, int] | None:
        """Return where *path* leads and the mode of what is there, None when nothing is."""
        for _ in range(_MOST_LINKS):
            found = self._state(path)
            if found is None:
                return None
            mode, target = found
            if not mode & _LINK:
                return path, mode
            path = posixpath.join(posixpath.dirname(path), target)
        return None

    def is_directory(self, path: str) -> bool:
        """Say whether there is a directory."""
        found = self.resolved(path)
        return found is not None and bool(found[1] & _DIRECTORY)

    def is_file(self, path: str) -> bool:
        """Say whether there is a file."""
        found = self.resolved(path)
        return found is not None and not found[1] & _DIRECTORY

    def read(self, path: str, most_bytes: int) -> bytes:
        """Return how a file begins, b"" when there is none."""
        found = self.resolved(path)
        if found is None or found[1] & _DIRECTORY:
            return b""
        content, _ = self.api.get_archive(self.id, found[0])
        raw = b""
        for chunk in content:
            raw += chunk
            if len(raw) > most_bytes + _MOST_HEADERS:
                break
        with tarfile.open(fileobj=BytesIO(raw)) as archive:
            member = archive.next()
            file = archive.extractfile(member) if member is not None else None
            return file.read(most_bytes) if file is not None else b""

    def program(self, name: str, folders: Sequence[str]) -> str:
        """Return the first program of this name in *folders*, "" when there is none."""
        for folder in folders:
            path = posixpath.join(folder, name)
            found = self.resolved(path)
            if found is not None and found[1] & _MAY_RUN and not found[1] & _DIRECTORY:
                return path
        return ""

    def _state(self, path: str) -> tuple[int, str] | None:
        """Return mode and target of the link.

        https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerArchiveInfo
        """
        url = f"{self.api.base_url}/v{self.api.api_version}/containers/{self.id}/archive"
        with self.api.head(url, params={"path": path}, timeout=engine.TIMEOUT_S) as answer:
            stated = answer.headers.get("X-Docker-Container-Path-Stat")
        if answer.status_code != 200 or not stated:
            return None
        state = json.loads(base64.b64decode(stated))
        return int(state["mode"]), str(state.get("linkTarget") or "")


@contextmanager
def of(api: APIClient, image: str) -> Iterator[Files]:
    """Look into *image* until the context ends.

    Raises:
        ProjectError: the engine makes no container of it.
    """
    from docker.errors import APIError

    name = f"{engine.LABEL}-{secrets.token_hex(8)}"
    try:
        # A program has to be named, or the engine refuses an image that names none; it need not exist.
        made = api.create_container(
            image, name=name, entrypoint=["/"], labels={engine.LABEL: ""}, network_disabled=True
        )
        yield Files(api, made["Id"])
    except APIError as error:
        message = f"the container engine refused {image}: {error.explanation or error}"
        raise ProjectError(message) from error
    finally:
        engine.remove(api, name)
