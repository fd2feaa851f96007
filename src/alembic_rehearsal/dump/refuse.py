"""What is said of a dump that can't be used: each bad dump gets one error, with its evidence and a way out."""

from __future__ import annotations

from alembic_rehearsal.dump import names
from alembic_rehearsal.errors import DumpError
from alembic_rehearsal.masking import masked


def excerpt(statement: bytes, limit: int = 160) -> str:
    """Return a statement's first line, cut to `limit` characters."""
    lines = names.text(statement).strip().splitlines()
    first = lines[0] if lines else ""
    shown = first if len(first) <= limit else first[: limit - 3] + "..."
    return names.shown(masked(shown))


def truncated(evidence: str) -> DumpError:
    """Return the error for a dump that was cut off."""
    return DumpError(
        f"the dump is cut off: {evidence}",
        fix="Make it again, and check pg_dump's exit status: a copy through a pipe hides it (set -o pipefail).",
    )


def meta_command(line: int, command: bytes) -> DumpError:
    """Return the error for a command that psql would execute."""
    return DumpError(
        f"line {line} of the dump is a command for psql, which pg_dump doesn't write: {excerpt(command, 60)}",
        fix="Nothing of it was executed. Find out where this file comes from; a dump holds SQL only.",
    )


def reaches_out(line: int, statement: bytes) -> DumpError:
    """Return the error for a COPY that runs a program, or reads or writes a file of the server."""
    return DumpError(
        f"line {line} of the dump runs a program or uses a file of the server, which pg_dump doesn't write: "
        f"{excerpt(statement, 80)}",
        fix="Nothing of it was executed. If this is restore.sql out of a tar archive, give the whole archive.",
    )


def empty(path: str) -> DumpError:
    """Return the error for a file with nothing in it."""
    return DumpError(
        f"{path} is empty",
        fix="pg_dump leaves an empty file when it fails, most often because it is older than the server "
        '("aborting because of server version mismatch"). Dump with a pg_dump of the server\'s major '
        'version or later, for instance: docker run --rm postgres:18 pg_dump "$DATABASE_URL" > dump.sql',
    )


def not_text(line: int) -> DumpError:
    """Return the error for a NUL byte, which no SQL has and where the driver would stop reading."""
    return DumpError(f"line {line} of the dump holds a NUL byte: the file is damaged", fix="Make it again.")
