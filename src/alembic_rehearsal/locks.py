"""Who waits for whom in the rehearsed database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Endpoint

# pg_blocking_pids(): https://www.postgresql.org/docs/current/functions-info.html
_WAITS = """
SELECT w.pid, left(w.query, 200), b.pid, b.state, left(b.query, 200)
  FROM pg_stat_activity w
  CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS blocking(pid)
  JOIN pg_stat_activity b ON b.pid = blocking.pid
 WHERE w.datname = current_database()
 ORDER BY 1
"""
_RUNNING = """
SELECT pid, left(query, 200), round(extract(epoch FROM clock_timestamp() - query_start))
  FROM pg_stat_activity
 WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def waiting_on(admin: Endpoint) -> tuple[str, ...]:
    """Return one line for each session that waits for a lock, or else for each that is busy."""
    with connected(admin) as connection, connection.cursor() as cursor:
        cursor.execute(_WAITS)
        lines = tuple(
            f"backend {pid} waits: {_flat(query)}\nbackend {blocker} ({state}) holds the lock: {_flat(held)}"
            for pid, query, blocker, state, held in cursor.fetchall()
        )
        if lines:
            return lines
        cursor.execute(_RUNNING)
        return tuple(
            f"backend {pid} has been running for {seconds} s: {_flat(query)}"
            for pid, query, seconds in cursor.fetchall()
        )


@contextmanager
def watch(admin: Endpoint, dbname: str) -> Iterator[Callable[[], int]]:
    """Yield what says how many sessions wait for a lock in the database *dbname*, over one connection to another.

    Source: https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-TABLE
    """
    with connected(admin) as connection, connection.cursor() as cursor:

        def waiting() -> int:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", (dbname,)
            )
            [count] = cursor.fetchone() or (0,)
            return int(count)

        yield waiting


def _flat(query: str) -> str:
    return " ".join(query.split())
