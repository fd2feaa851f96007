"""The container engine: finding it, its images, its streams."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic_rehearsal.errors import ServerError

if TYPE_CHECKING:
    # NOTE: importing it takes 0.4 s, so only who uses the engine does.
    from docker import APIClient

LABEL = "alembic-rehearsal"

PING_TIMEOUT_S = 3
TIMEOUT_S = 60


@contextmanager
def connected(timeout_s: int) -> Iterator[APIClient]:
    """Connect to the engine.

    Args:
        timeout_s: to wait for its first answer.

    Raises:
        ServerError: there is none, or it doesn't answer.
    """
    address = _address()
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        api = docker.APIClient(base_url=address, version="auto", timeout=timeout_s)
    except (DockerException, RequestException, OSError) as error:
        message = f"the container engine at {address} doesn't answer: {error}"
        raise ServerError(message) from error
    try:
        api.timeout = TIMEOUT_S
        yield api
    finally:
        api.close()


def _address() -> str:
    """Return where the engine listens.

    Raises:
        ServerError: nowhere that can be used.
    """
    named = os.environ.get("DOCKER_HOST", "")
    if named.startswith("tcp://") and not os.environ.get("DOCKER_TLS_VERIFY"):
        return named
    if named and not named.startswith("unix://"):
        message = f"DOCKER_HOST is {named}: only an engine on a Unix socket, or on tcp:// without TLS, can be used"
        raise ServerError(message)
    home, runtime = os.environ.get("HOME", ""), os.environ.get("XDG_RUNTIME_DIR", "")
    places = [
        "/var/run/docker.sock",
        f"{home}/.docker/run/docker.sock",
        f"{home}/.colima/default/docker.sock",
        f"{runtime}/docker.sock",
        f"{runtime}/podman/podman.sock",
    ]
    for place in [named.removeprefix("unix://")] if named else places:
        if Path(place).is_socket():
            return f"unix://{place}"
    message = "no container engine: there is no socket at " + (named or places[0])
    raise ServerError(message)


def can_be_pulled(api: APIClient, name: str) -> bool:
    """Return whether a registry answers for this image; nothing is fetched."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        api.inspect_distribution(name)  # type: ignore[no-untyped-call]
    except (DockerException, RequestException):
        return False
    return True


def stated_major(api: APIClient, name: str) -> int | None:
    """Return the major version that an image states in PG_MAJOR, as the official ones and their children do."""
    facts = api.inspect_image(name)  # type: ignore[no-untyped-call]
    environment = (facts.get("Config") or {}).get("Env") or []
    values = [entry.removeprefix("PG_MAJOR=") for entry in environment if entry.startswith("PG_MAJOR=")]
    return int(values[0]) if values and values[0].isdigit() else None


def pull_if_missing(api: APIClient, name: str) -> None:
    """Fetch an image that isn't here.

    Raises:
        ServerError: it can't be had.
    """
    from docker.errors import DockerException, ImageNotFound
    from docker.utils import parse_repository_tag

    try:
        # Not by a list of names: an image may be named by its id or by its digest too.
        with contextlib.suppress(ImageNotFound):
            api.inspect_image(name)  # type: ignore[no-untyped-call]
            return
        repository, tag = parse_repository_tag(name)
        for line in api.pull(repository, tag=tag or "latest", stream=True, decode=True):
            if "error" in line:
                raise DockerException(line["error"])
    except DockerException as error:
        message = f"the image {name} is not here and can't be pulled: {error}"
        raise ServerError(message, fix=f"docker pull {name}") from error


def hijacked(stream: Any) -> socket.socket:
    """Return a socket of our own for the stream that the SDK hands out: it has the request's time limit."""
    own = socket.socket(fileno=os.dup(stream.fileno()))
    own.settimeout(None)
    # Closing the response closes the stream below it.
    getattr(stream, "_response", stream).close()
    return own


def remove(api: APIClient, name: str) -> None:
    """Remove a container with its volumes, and wait until it is gone; nothing happens if it isn't there."""
    from docker.errors import APIError, NotFound

    # The engine may be removing it already: it does so by itself when the server ends.
    with contextlib.suppress(APIError):
        api.remove_container(name, force=True, v=True)
    with contextlib.suppress(NotFound):
        for _ in range(200):
            api.inspect_container(name)
            time.sleep(0.05)


def end(api: APIClient, name: str, attached: socket.socket | None) -> None:
    """Remove a container of ours, and close what leads into it."""
    try:
        remove(api, name)
    finally:
        # This alone ends it too, should the engine not have answered.
        if attached is not None:
            with contextlib.suppress(OSError):
                attached.shutdown(socket.SHUT_RDWR)
            attached.close()


def sweep(api: APIClient) -> None:
    """Remove containers of dead runs that never came to run; those that ran end and go by themselves."""
    from docker.errors import APIError

    for one in api.containers(all=True, filters={"label": LABEL}):
        stale = one["State"] in ("exited", "dead") or (one["State"] == "created" and time.time() - one["Created"] > 300)
        if stale:
            with contextlib.suppress(APIError):
                api.remove_container(one["Id"], force=True, v=True)
