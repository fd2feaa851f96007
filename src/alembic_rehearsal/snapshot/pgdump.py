"""The pg_dump to use, and its output as a stream."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from alembic_rehearsal import proc, programs
from alembic_rehearsal.errors import ProcessFailed, SnapshotError
from alembic_rehearsal.programs import Program
from alembic_rehearsal.snapshot.address import Address

# Its locks are the weakest there are, but a migration that waits for them makes everybody wait.
LIMIT_S = 600.0
_SHOWN_LINES = 4


class PgDumpFailed(SnapshotError):
    """pg_dump ended with another status than 0, or took too long."""


def choose(server_version: int) -> list[Program]:
    """Return every pg_dump at hand that can dump a server of this version, that of its own major version first.

    Older ones refuse the server; what newer ones write may be too new for the server that it is restored to,
    which is of production's version too.

    Raises:
        SnapshotError: there is none.
    """
    major = server_version // 10000
    found = sorted(programs.installed("pg_dump"), key=lambda program: program.major)
    able = [program for program in found if program.major >= major]
    if able:
        return able
    have = f"the newest here is {found[-1].major}, {found[-1].path}" if found else "none was found here"
    raise SnapshotError(
        f"production is PostgreSQL {major}, which needs pg_dump {major} or later, and {have}",
        fix=f"Install the package postgresql-client-{major} (PostgreSQL's own apt and rpm repositories have every "
        'version), or: pip install "alembic-rehearsal[embedded]", which brings 17 and 18.',
    )


def can_encrypt(program: Program) -> bool:
    """Tell whether a build can do TLS, as its pg_config says; distributions' builds without one do."""
    config = program.path.resolve().with_name("pg_config")
    try:
        said = proc.run([str(config), "--configure"], timeout_s=20).stdout
    except ProcessFailed:
        return True
    return b"--with-openssl" in said or b"--with-ssl" in said


@contextmanager
def output(
    program: Program, arguments: Sequence[str], environment: Mapping[str, str], address: Address, log: Path
) -> Iterator[IO[bytes]]:
    """Run pg_dump and yield what it writes.

    Raises:
        PgDumpFailed: it failed; its own words are the evidence.
    """
    argv = [str(program.path), "--no-password", *arguments, *address.arguments()]
    with log.open("wb") as stderr:
        child = proc.spawn(argv, env=environment, stdout=subprocess.PIPE, stderr=stderr)
    late = threading.Event()

    def end() -> None:
        late.set()
        child.signal(signal.SIGKILL)

    timer = threading.Timer(LIMIT_S, end)
    timer.daemon = True
    timer.start()
    try:
        assert child.stdout is not None, "a pipe was asked for"
        yield child.stdout
        status = child.wait(60)
    finally:
        timer.cancel()
        child.stop(0)
    if late.is_set():
        raise PgDumpFailed(f"pg_dump took longer than {LIMIT_S:g} s and was stopped")
    if status != 0:
        raise PgDumpFailed(f"pg_dump {program.major} failed with status {status}: {_words(log, address)}")


def _words(log: Path, address: Address) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    text = " / ".join(line.removeprefix("pg_dump: ").removeprefix("error: ") for line in lines[:_SHOWN_LINES])
    return address.scrubbed(text) or "it gave no reason"
