"""Tell what the schema is after each revision, where the tool asks for it.

It is read on the command's own connection: nobody else sees what is not committed yet. The true run is never asked.
"""

from __future__ import annotations

import os
import sys

from . import gate, report
from .attribution import is_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_told: dict[tuple[str, str], str] = {}
# What the transaction has written to the system's catalogs so far, in a hundredth of the time that the facts take; what
# was undone again counts too. https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS
_WRITTEN = """
SELECT CAST(pg_catalog.now() AS text), pg_catalog.current_setting('track_counts'), CAST(pg_catalog.sum(
       pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
       + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)) AS text)
  FROM pg_catalog.pg_class c WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
"""
_before: dict[str, tuple[str, ...]] = {}


def asked() -> bool:
    """Whether the tool wants the facts."""
    return bool(gate.config().get("facts"))


def begin(context: Any, revision: str) -> None:
    """Note how much has been written where *revision* begins; before the first facts are told there is no need."""
    raw = _connection(context) if _told else None
    if raw is not None:
        _before[revision] = _written(raw)


def tell(context: Any, revision: str) -> None:
    """Report what has changed in the schema since the last call, as the state that *revision* leaves."""
    raw = _connection(context)
    if raw is None:
        return
    before = _before.pop(revision, None)
    # In one transaction, and counted: a revision that commits begins another.
    if before is not None and before[1] == "on" and _written(raw) == before:
        report.emit("facts", revision=revision, changed=[], gone=[])
        return
    now = {(kind, identity): definition for kind, identity, definition in _read(raw)}
    changed = [[*key, now[key]] for key in now if _told.get(key) != now[key]]
    gone = [list(key) for key in _told if key not in now]
    _told.clear()
    _told.update(now)
    report.emit("facts", revision=revision, changed=changed, gone=gone)


def _connection(context: Any) -> Any:
    """Return the driver's connection, None where nothing can be asked: offline, or in a transaction that failed."""
    from .statements import driver_connection, transaction_status

    if context.connection is None:
        return None
    raw = driver_connection(context.connection.connection)
    return None if transaction_status(raw) == "failed" else raw


def _written(raw: Any) -> tuple[str, ...]:
    """Return when the transaction began, whether writes are counted, and their count."""
    from .statements import values

    cursor = raw.cursor()
    try:
        cursor.execute(_WRITTEN)
        return tuple(values(cursor.fetchone()))
    finally:
        cursor.close()


def _read(raw: Any) -> list[tuple[str, str, str]]:
    """Return the rows of the tool's query; names come out qualified when only the system's schema is searched."""
    from .statements import values

    cursor = raw.cursor()
    try:
        cursor.execute("SELECT current_setting('search_path')")
        before = values(cursor.fetchone())[0]
        cursor.execute("SELECT set_config('search_path', 'pg_catalog', false)")
        cursor.execute(gate.config()["facts"])
        rows: list[tuple[str, str, str]] = [values(row) for row in cursor.fetchall()]
        cursor.execute("SELECT set_config('search_path', '{}', false)".format(before.replace("'", "''")))
    finally:
        cursor.close()
    return rows


def tell_modules() -> None:
    """Report the files of the project's own modules that this process has loaded."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    report.emit("modules", paths=sorted({os.path.abspath(file) for file in files if file and not is_library(file)}))
