"""Starting and stopping a server from binaries on this machine; what `local` and `embedded` share."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from alembic_rehearsal import ports, proc, workdir
from alembic_rehearsal.errors import PortTaken, ServerError
from alembic_rehearsal.model import Endpoint, LogRecord, Offer
from alembic_rehearsal.postgres import datadir, overlay, serverlog, settings
from alembic_rehearsal.postgres.cluster import ADMIN
from alembic_rehearsal.postgres.installation import Installation

# One process from copying to serving: the start returns at once, and what is killed is one process group.
# GNU cp clones where the file system can; others don't know the option.
_COPY_AND_SERVE = """
umask 077
cp -R --reflink=auto "$1"/. "$2" 2>/dev/null || cp -R "$1"/. "$2" || exit 1
shift 2
exec "$@"
"""


@dataclasses.dataclass(frozen=True, slots=True)
class _Places:
    """The directories of one server: each the server's own, so that root's other files are out of its reach."""

    data: Path
    sockets: Path
    log: Path


class BinaryCluster:
    """A server that this machine's binaries run."""

    has_log = True
    container = ""

    def __init__(self, offer: Offer, installation: Installation, places: _Places, port: int, child: proc.Child) -> None:
        self.offer = offer
        self.admin = Endpoint(os.fspath(places.sockets), port, ADMIN, "postgres")
        self.fenced = " and ".join(sorted(child.guards))
        self.created: list[str] = []
        self._installation = installation
        self._places = places
        self._child = child
        # An offset in the log at which a record ends.
        self._whole = 0

    def ready(self, timeout_s: float) -> None:
        """See `Cluster.ready`."""
        deadline = time.monotonic() + timeout_s
        while not self._says_ready():
            if self._child.poll() is not None:
                raise self._post_mortem()
            if time.monotonic() > deadline:
                message = f"PostgreSQL {self.offer.version} did not accept connections within {timeout_s:g} s"
                raise ServerError(message + self._last_words())
            time.sleep(0.003)

    def endpoint(self, dbname: str, *, user: str, password: str) -> Endpoint:
        """See `Cluster.endpoint`."""
        return Endpoint("127.0.0.1", self.admin.port, user, dbname, password)

    def log(self, since: int = 0) -> tuple[list[LogRecord], int]:
        """See `Cluster.log`."""
        records, end = self._flushed(since)
        return [record for record in records if record.severity in serverlog.WITNESSED], end

    def log_mark(self) -> int:
        """See `Cluster.log_mark`."""
        return self._flushed(self._whole)[1]

    @property
    def _log_file(self) -> Path:
        return self._places.log / serverlog.file_name(self.offer.major)

    def _flushed(self, since: int) -> tuple[list[LogRecord], int]:
        records, end = serverlog.flushed(self.admin, self._read, since, self.offer.major)
        self._whole = max(self._whole, end)
        return records, end

    def _read(self, since: int) -> bytes:
        try:
            with self._log_file.open("rb") as file:
                file.seek(since)
                return file.read()
        except OSError:
            return b""

    def _says_ready(self) -> bool:
        """Read the server's own word for it: the eighth line of its pid file (miscadmin.h, PM_STATUS_READY)."""
        try:
            lines = (self._places.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready" and self._child.poll() is None

    def _post_mortem(self) -> ServerError:
        """Return why it ended: the words are in its log, but that the port is taken is tried out."""
        port = self.admin.port
        if _is_taken(port):
            return PortTaken(f"port {port} was taken by another process before the server could have it")
        short = datadir.lack_of_room(self._places.data)
        if not short:
            datadir.forget(self._installation)
        message = f"PostgreSQL {self.offer.version} from {self.offer.location} ended as it started"
        fix = short and "free some space, or export TMPDIR=/a/directory/with/room"
        return ServerError(message + self._last_words() + short, fix=fix)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            records, _ = serverlog.parse(self._read(0), self.offer.major)
            early = (self._places.log / "stderr").read_text(encoding="utf-8", errors="replace").splitlines()
            lines = [line for line in early if line.strip()]
            lines += [f"{record.severity}: {record.message}" for record in records]
            if lines:
                return ": " + " / ".join(lines[-6:])
        return ""


@contextlib.contextmanager
def start(
    offer: Offer,
    installation: Installation,
    *,
    directory: Path,
    port: int | None = None,
    trusted: Collection[str] = (),
    log_statement: str = "none",
) -> Iterator[BinaryCluster]:
    """Run a server from these binaries until the context ends.

    Raises:
        ServerError: it can't even be started.
    """
    template = datadir.initialised(installation)
    served = overlay.dressed(installation, completed=offer.completed, trusted=frozenset(trusted))
    with _own_places(directory) as places:
        number = ports.pick() if port is None else port
        with (places.log / "stderr").open("wb") as stderr:
            child = proc.spawn(
                _command(served, template, places, number, log_statement),
                env=datadir.server_environment(),
                cwd=places.data,
                user=proc.unprivileged(),
                stdout=stderr,
                stderr=subprocess.STDOUT,
                # Production's schema brings foreign servers and their passwords along.
                fence=settings.fence(installation.major),
                # An immediate shutdown: the postmaster takes its children and its semaphores with it.
                death_signal=signal.SIGQUIT,
            )
        try:
            yield BinaryCluster(offer, installation, places, number, child)
        finally:
            _stop(child)


def _command(served: Installation, template: Path, places: _Places, port: int, log_statement: str) -> list[str]:
    chosen = settings.settings(served.major, port=port, log_statement=log_statement) | {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": os.fspath(places.sockets),
        "log_directory": os.fspath(places.log),
    }
    if "timescaledb" in served.extensions():
        # CREATE EXTENSION timescaledb refuses without it.
        chosen["shared_preload_libraries"] = "timescaledb"
    server = [os.fspath(Path(served.bindir) / "postgres"), "-D", os.fspath(places.data)]
    copy = ["/bin/sh", "-c", _COPY_AND_SERVE, "rehearsal", os.fspath(template), os.fspath(places.data)]
    return [*copy, *server, *settings.arguments(chosen)]


@contextlib.contextmanager
def _own_places(directory: Path) -> Iterator[_Places]:
    """Make the server's directories, the server's account their only owner, and remove them."""
    made: list[Path] = []
    try:
        try:
            places = _make_places(directory, made)
        except OSError as error:
            message = f"the server's directories can't be made in {directory}: {error}"
            raise ServerError(message, fix="export TMPDIR=/some/writable/directory") from error
        yield places
    finally:
        for place in made:
            shutil.rmtree(place, ignore_errors=True)


def _make_places(directory: Path, made: list[Path]) -> _Places:
    """Make the directories; `made` holds at any moment what has to be removed."""
    suffix = _free_suffix(directory)
    data, sockets, log = (directory / f"{name}{suffix}" for name in ("data", "sock", "log"))
    made.append(data)
    if len(os.fsencode(sockets / ".s.PGSQL.65535")) > workdir.SOCKET_PATH_LIMIT:
        short = Path(tempfile.mkdtemp(prefix="rehearsal-", dir="/tmp"))
        made.append(short)
        short.chmod(0o711)
        sockets = short / "sock"
    account = proc.unprivileged()
    for place in (data, sockets, log):
        made.append(place)
        place.mkdir(mode=0o700, exist_ok=True)
        if account is not None:
            os.chown(place, account.uid, account.gid)
    return _Places(data, sockets, log)


def _free_suffix(directory: Path) -> str:
    for number in itertools.count():
        suffix = str(number or "")
        with contextlib.suppress(FileExistsError):
            (directory / f"data{suffix}").mkdir(mode=0o700)
            return suffix
    raise AssertionError


def _stop(child: proc.Child) -> None:
    """End the server at once: what it holds is thrown away."""
    try:
        child.ask(signal.SIGQUIT, 5.0)
    finally:
        child.stop(0)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # As the server itself does it: a port whose last connections linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
