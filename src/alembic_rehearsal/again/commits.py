"""The server's own word on commits: when each was, and a gate that holds a command at one of them.

A backend whose commit waits for a standby that never comes stands exactly between "committed" and "told so": whatever
driver sent it, from whichever connection, inside a procedure or between the phases of CREATE INDEX CONCURRENTLY.
Cancelling the wait lets it go on, ending the process leaves what a deploy leaves that died there.

Source: https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION-HA
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

from psycopg2 import Error, sql
from psycopg2.extensions import connection as PgConnection  # noqa: N812

from alembic_rehearsal.connect import connected
from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.model import Endpoint

_PATIENCE_S = 10.0
# Transactions of a savepoint have the time of the one around them, so that different times are different commits:
# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-COMMIT-TIMESTAMP
_TIMES = """
SELECT DISTINCT extract(epoch FROM pg_catalog.pg_xact_commit_timestamp(x::text::xid))
  FROM pg_catalog.generate_series(%s, pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()) - 1) x
 WHERE pg_catalog.pg_xact_commit_timestamp(x::text::xid) IS NOT NULL
 ORDER BY 1
"""
_WAITING = """
SELECT pid, backend_xid::text, query, extract(epoch FROM pg_catalog.clock_timestamp()) FROM pg_catalog.pg_stat_activity
 WHERE datname = %s AND wait_event = 'SyncRep' ORDER BY query_start
"""
_CANCEL = """
SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = %s AND pid = %s
"""
_SESSIONS = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = %s"


@dataclass(frozen=True, slots=True)
class Commit:
    """One transaction that has been committed, while its backend did not know yet.

    Attributes:
        sql: what the backend was at: COMMIT, or the statement that commits by itself.
        at: seconds since the epoch by the server's clock.
    """

    pid: int
    xid: str
    sql: str
    at: float


def since(admin: Endpoint, xid: int) -> tuple[float, ...]:
    """Return when the transactions from *xid* on were committed, seconds since the epoch by the server's clock."""
    with connected(admin) as connection, connection.cursor() as cursor:
        cursor.execute(_TIMES, (xid + 1,))
        return tuple(float(at) for (at,) in cursor.fetchall())


def same_clock(admin: Endpoint) -> bool:
    """Say whether the server's clock is this machine's: the difference is no more than asking takes."""
    with connected(admin) as connection, connection.cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM pg_catalog.clock_timestamp())")
        [there] = cursor.fetchone() or (0,)
        # The server tells microseconds.
        return before - 1e-4 <= float(there) <= time.time() + 1e-4


class Gate:
    """Holds each commit in one database; `look`, called again and again, lets it go on or says that it is the one.

    Attributes:
        seen: the commits so far, the one that was waited for last.
    """

    def __init__(self, connection: PgConnection, dbname: str, role: str) -> None:
        self._connection = connection
        self._dbname = dbname
        self._role = role
        self._until: int | None = None
        self._let_go: set[tuple[int, str]] = set()
        self.seen: list[Commit] = []

    def close_at(self, number: int | None) -> None:
        """Hold sessions that begin from now on at their commits, for good at *number*, counted from 1."""
        self._until, self.seen = number, []
        # A setting of the role there goes before all others that aren't the command's own.
        for statement in (
            "ALTER DATABASE {0} SET synchronous_commit = on",
            self._of_role("SET synchronous_commit = on"),
        ):
            self._execute(statement)

    def look(self) -> bool:
        """Let the commits that wait go on; True when one is the number that was asked for."""
        for pid, xid, text, at in self._rows(_WAITING):
            if (pid, xid) in self._let_go:
                # It has been told so, and a second time would let the next one go unseen.
                continue
            self.seen.append(Commit(pid, xid, text, float(at)))
            if len(self.seen) == self._until:
                return True
            self._let_go.add((pid, xid))
            self._rows(_CANCEL, pid)
        return False

    def open(self) -> None:
        """End every session in the database and hold no commit any more.

        Raises:
            ServerError: a session doesn't end.
        """
        self._execute("ALTER DATABASE {0} RESET synchronous_commit")
        self._execute(self._of_role("RESET synchronous_commit"))
        deadline = time.monotonic() + _PATIENCE_S
        while self._rows(_SESSIONS):
            if time.monotonic() > deadline:
                raise ServerError("sessions of an interrupted run don't end")
            time.sleep(0.005)

    def _of_role(self, what: str) -> str:
        return "ALTER ROLE {1} IN DATABASE {0} " + what

    def _execute(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(sql.Identifier(self._dbname), sql.Identifier(self._role)))

    def _rows(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with self._connection.cursor() as cursor:
            cursor.execute(query, (self._dbname, *values))
            return cursor.fetchall()


@contextmanager
def gate(admin: Endpoint, dbname: str, role: str) -> Iterator[Gate]:
    """Let commits wait on this server, as far as `Gate.close_at` asks for it; never on one that is somebody else's.

    Raises:
        ServerError: it doesn't come about.
    """
    with connected(admin) as connection:
        _set(connection, "ALTER SYSTEM SET synchronous_standby_names = 'rehearsal'")
        try:
            _wait_until_held(admin, connection)
            yield Gate(connection, dbname, role)
        finally:
            _set(connection, "ALTER SYSTEM RESET synchronous_standby_names")


def _set(connection: PgConnection, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.execute("SELECT pg_catalog.pg_reload_conf()")


def _wait_until_held(admin: Endpoint, connection: PgConnection) -> None:
    """Commit something until that waits: the checkpointer reads the new setting in its own time."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        trial = Thread(target=_commit, args=(admin,), daemon=True)
        trial.start()
        while trial.is_alive():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity"
                    " WHERE application_name = 'alembic-rehearsal tool' AND wait_event = 'SyncRep'"
                )
                if cursor.rowcount:
                    trial.join(_PATIENCE_S)
                    return
            time.sleep(0.001)
    raise ServerError("the server lets no commit wait")


def _commit(admin: Endpoint) -> None:
    try:
        with connected(admin) as connection, connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = on")
            # A transaction that writes nothing to the log doesn't wait.
            cursor.execute("SELECT pg_catalog.pg_logical_emit_message(true, 'rehearsal', '')")
    except Error:
        return  # whoever waits for it asks again
