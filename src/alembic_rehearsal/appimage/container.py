"""A container of the application's image, in the network of the throw-away server's, with the probe in it."""

from __future__ import annotations

import io
import json
import secrets
import socket
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic_rehearsal import probe
from alembic_rehearsal.appimage.command import PORT, ContainerCommand, inside
from alembic_rehearsal.appimage.files import Files
from alembic_rehearsal.appimage.sources import Sources, of
from alembic_rehearsal.errors import ProjectError
from alembic_rehearsal.model import AppImage, Endpoint, Project
from alembic_rehearsal.postgres import engine
from alembic_rehearsal.probe.rehearsal_probe import environ as probe_environ
from alembic_rehearsal.probe.rehearsal_probe import overlay as probe_overlay

if TYPE_CHECKING:
    from docker import APIClient

# In the container: at its root, where nobody's application is.
_HOME = "/.alembic-rehearsal"
_PROBE = f"{_HOME}/probe"
_EXCHANGE = f"{_HOME}/run"


@contextmanager
def started(
    target: Project,
    image: AppImage,
    placeholder: Endpoint,
    *,
    directory: Path,
    config: Mapping[str, Any],
    beside: str,
    overlay: Mapping[str, Path],
) -> Iterator[ContainerCommand]:
    """Run the command of *target* in *image* until the context ends.

    Args:
        placeholder: what the environment variables point to until the database is ready.
        directory: for its events and its output, here.
        config: for the probe, as `rehearse.start` writes it.
        beside: the container whose network it shares.
        overlay: as `rehearse.start` has it.

    Raises:
        ProjectError: nothing in the image can be run, the engine refuses it, or a file that is to be replaced is not
            the image's.
    """
    from docker.errors import APIError

    name = f"{engine.LABEL}-{secrets.token_hex(8)}"
    attached: socket.socket | None = None
    with engine.connected(engine.TIMEOUT_S) as api:
        try:
            made = _made(api, name, target, image, placeholder, beside, str(directory))
            sources = of(target.root, image.checkout)
            replaced = {_there(api, made, sources, Path(path)): file.read_bytes() for path, file in overlay.items()}
            api.put_archive(made, "/", _archive({**config, "endpoint_port": PORT}, replaced))
            streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            attached = engine.hijacked(api.attach_socket(made, params=streams))
            command = ContainerCommand(attached, directory, sources)
            api.start(made)
            if not command.began():
                said = (directory / "output").read_text(encoding="utf-8", errors="replace").strip()
                raise _never_ran(api, image, f"{target.python} doesn't start: {said or 'it says nothing'}")
            yield command
        except APIError as error:
            raise _never_ran(api, image, f"the container engine says: {error.explanation or error}") from error
        finally:
            engine.end(api, name, attached)


def _made(
    api: APIClient, name: str, target: Project, image: AppImage, placeholder: Endpoint, beside: str, label: str
) -> str:
    """Make the container and return its id.

    The image's own entry point is left out: it often migrates, or starts the application. So is its health check.
    """
    from docker.types import LogConfig

    own = {**image.environ, "ALEMBIC_REHEARSAL_DIR": _EXCHANGE}
    own["PYTHONPATH"] = ":".join(filter(None, [_PROBE, own.get("PYTHONPATH", "")]))
    rewritten = probe_environ.rewritten(own, inside(placeholder).kwargs())
    made = api.create_container(
        image.id,
        name=name,
        entrypoint=[target.python, "-I", "-S", f"{_PROBE}/keeper.py", _EXCHANGE],
        command=list(target.argv),
        # A name without "=" takes away a variable that the image sets.
        environment=[*own.keys() - rewritten.keys(), *(f"{each}={value}" for each, value in rewritten.items())],
        working_dir=target.root,
        labels={engine.LABEL: label},
        healthcheck={"test": ["NONE"]},
        # Not detached: then the engine closes its input when we are gone, and it ends.
        stdin_open=True,
        host_config=api.create_host_config(
            network_mode=f"container:{beside}",
            auto_remove=True,
            # Events and output are for this process alone, not for the engine's log.
            log_config=LogConfig(type="none"),
        ),
    )
    return str(made["Id"])


def _there(api: APIClient, container: str, sources: Sources, path: Path) -> str:
    """Return the path in the container of a file here, once it is sure that it is the same file, or new in both.

    Raises:
        ProjectError: it isn't.
    """
    there = sources.there(path)
    if there is None:
        raise ProjectError(f"{path.name} is not where the image has its revisions")
    inside_it = Files(api, container)
    content = path.read_bytes() if path.exists() else b""
    if inside_it.is_file(there) != path.exists() or inside_it.read(there, len(content) + 1) != content:
        raise ProjectError(f"{there} in the image is not the file that is here: {path}")
    return there


def _archive(config: Mapping[str, Any], replaced: Mapping[str, bytes]) -> bytes:
    """Return what the container gets, as a tar archive for its root directory.

    Args:
        replaced: what is read in place of the files of these paths in the container.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        _add(archive, _HOME, 0o755)
        _add(archive, _PROBE, 0o755)
        source = Path(probe.DIRECTORY)
        for path in sorted(source.rglob("*")):
            place = f"{_PROBE}/{path.relative_to(source).as_posix()}"
            if path.is_dir() and path.name != "__pycache__":
                _add(archive, place, 0o755)
            elif path.suffix == ".py":
                _add(archive, place, 0o644, path.read_bytes())
        # For whatever account the image names, and another one that the command may change to. Not sticky: there the
        # kernel keeps others from opening a file with O_CREAT (fs.protected_regular).
        _add(archive, _EXCHANGE, 0o777)
        _add(archive, f"{_EXCHANGE}/config.json", 0o644, json.dumps(config).encode())
        _add(archive, f"{_EXCHANGE}/events.jsonl", 0o666, b"")
        places = {there: f"{_EXCHANGE}/replaced-{number}.py" for number, there in enumerate(replaced)}
        for there, content in replaced.items():
            _add(archive, places[there], 0o644, content)
        if places:
            _add(archive, f"{_EXCHANGE}/{probe_overlay.FILE}", 0o644, json.dumps(places).encode())
    return packed.getvalue()


def _add(archive: tarfile.TarFile, path: str, mode: int, content: bytes | None = None) -> None:
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.mode, entry.mtime = mode, int(time.time())
    entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
    entry.size = len(content or b"")
    archive.addfile(entry, io.BytesIO(content or b""))


def _never_ran(api: APIClient, image: AppImage, reason: str) -> ProjectError:
    """Return what to say of an image in which nothing runs."""
    made_for = api.inspect_image(image.id).get("Architecture", "")  # type: ignore[no-untyped-call]
    engines = api.version().get("Arch", "")
    if made_for != engines:
        return ProjectError(
            f"the image {image.name} is for {made_for}, and the container engine runs {engines}: {reason}",
            fix=f"docker build --platform linux/{engines} ...",
        )
    return ProjectError(f"nothing can be run in the image {image.name}: {reason}")
