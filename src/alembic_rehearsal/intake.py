"""The dump that a run works with: the file that was named, or a snapshot of production, and how old it is."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from alembic_rehearsal import dump, snapshot
from alembic_rehearsal.dump import source
from alembic_rehearsal.errors import DumpError
from alembic_rehearsal.model import DumpInfo, Options

_DAY_S = 86_400.0
# Without --max-dump-age nothing but a note comes of a greater age.
_OLD_DAYS = 30.0
_HEAD = 4096
_TAKEN = re.compile(rb"^-- alembic-rehearsal: taken at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z\s*$", re.MULTILINE)
_FROM_URL = "--from-url"


def dump_of(
    options: Options, *, workdir: Path, progress: Callable[[str], None], now: float | None = None
) -> tuple[DumpInfo, tuple[str, ...]]:
    """Return what is known of the dump that *options* name, and notes for the report.

    Raises:
        DumpError: it can't be read, or is older than it may be.
        SnapshotError: a snapshot was asked for, and production can't be read.
    """
    if options.from_url:
        path = workdir / "production.sql"
        taken = snapshot.take(options.from_url, path, workdir=workdir, progress=progress)
        info = replace(dump.inspect(path, workdir=workdir), path=_FROM_URL, dated=True)
        return info, tuple(f"{_FROM_URL}: {note}" for note in taken.notes)
    info = dump.inspect(Path(options.dump), workdir=workdir)
    taken_at = taken_at_of(info)
    notes = _age(info, taken_at, options.max_dump_age, time.time() if now is None else now)
    return (info if taken_at is None else replace(info, modified_at=taken_at, dated=True)), notes


def taken_at_of(info: DumpInfo) -> float | None:
    """Return when a snapshot says that it was taken, in seconds since the epoch; None for any other dump."""
    if info.form != "plain":
        return None
    with source.open_script(Path(info.payload)) as stream:
        found = _TAKEN.search(stream.peek(_HEAD))
    if not found:
        return None
    taken = datetime.datetime.fromisoformat(found[1].decode())
    return taken.replace(tzinfo=datetime.timezone.utc).timestamp()


def _age(info: DumpInfo, taken_at: float | None, limit: float, now: float) -> tuple[str, ...]:
    """Return notes on the dump's age.

    Raises:
        DumpError: there is a limit, and it is older or may be.
    """
    # A checkout or a download makes a file new, nothing makes it old.
    days = (now - (info.modified_at if taken_at is None else taken_at)) / _DAY_S
    fix = "alembic-rehearsal snapshot -o production.sql.gz takes a new one."
    if limit and days > limit:
        raise DumpError(f"the dump is {days:.1f} days old, and --max-dump-age allows {limit:g}", fix=fix)
    if limit and taken_at is None:
        raise DumpError(
            "the dump doesn't say when it was taken, so --max-dump-age can't be kept: the file's own time is that of "
            "its checkout or download",
            fix=fix,
        )
    if days > _OLD_DAYS:
        return (f"the dump is {days:.0f} days old: production may have changed since",)
    return ()
