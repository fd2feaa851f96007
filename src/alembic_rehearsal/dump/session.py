"""One connection that a dump's statements go through, many at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import IO, Any, cast

import psycopg2
from psycopg2 import sql

from alembic_rehearsal.dump import faults
from alembic_rehearsal.dump.script import Copy, Statement
from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.model import Endpoint

# Each batch is one transaction: larger ones save commits, but the locks and the cached definitions of all
# its objects pile up.
_BATCH_STATEMENTS = 200
_BATCH_BYTES = 256 << 10

# Whatever production's database and roles are set to must not stop or redirect the tool's own statements.
_OWN_SETTINGS: Mapping[str, str] = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_read_only": "off",
    "client_min_messages": "error",
    "synchronous_commit": "off",
    "jit": "off",
}
# A batch is lexed as a whole, under the settings that hold when it arrives.
_READS_DIFFERENTLY = re.compile(rb"SET\s+(?:standard_conforming_strings|client_encoding)\b", re.IGNORECASE)
_NO_EVENT_TRIGGERS_SINCE = 170000


def connect(endpoint: Endpoint, dbname: str, **settings: str) -> Any:
    """Return an autocommit connection for the tool's own use, untyped since psycopg2 has no precise types.

    Raises:
        ServerError: there is none to be had.
    """
    options = " ".join(f"-c {name}={value}" for name, value in {**_OWN_SETTINGS, **settings}.items())
    kwargs = {**endpoint.kwargs(), "dbname": dbname, "options": options, "application_name": "alembic-rehearsal"}
    try:
        connection = psycopg2.connect(**kwargs)
    except psycopg2.OperationalError as error:
        raise ServerError(f"the throw-away server refused a connection to {dbname}: {error}".strip()) from error
    connection.autocommit = True
    return connection


def execute(
    connection: Any, statement: bytes | sql.Composable | str, args: Sequence[Any] | Mapping[str, Any] | None = None
) -> list[Any]:
    """Execute one statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, args)
        return cursor.fetchall() if cursor.description else []


class Session:
    """Restores into one database, as a superuser who isn't the bootstrap one.

    What the bootstrap superuser owns can't be given away by REASSIGN OWNED.
    """

    def __init__(self, endpoint: Endpoint, dbname: str, restorer: str, place: faults.Place) -> None:
        self._connection = connect(endpoint, dbname)
        self._place = place
        self._batch: list[Statement] = []
        self._size = 0
        execute(self._connection, sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(restorer)))
        if self._connection.server_version >= _NO_EVENT_TRIGGERS_SINCE:
            execute(self._connection, "SET event_triggers = off")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def add(self, statement: Statement) -> None:
        """Execute a statement, now or with the next ones."""
        self._batch.append(statement)
        self._size += len(statement.text)
        if len(self._batch) >= _BATCH_STATEMENTS or self._size >= _BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Execute what waits.

        Raises:
            DumpError: a statement failed; it is named.
        """
        batch, self._batch, self._size = self._batch, [], 0
        if not batch:
            return
        try:
            self._send(b"\n".join(one.text for one in batch))
        except psycopg2.Error:
            # All of it was one transaction and is undone. One by one, the statement at fault shows; a few can't
            # run in a transaction with others, and do now.
            for one in batch:
                self._one(one)

    def set(self, statement: Statement) -> None:
        """Change a setting of the session, which the server must know before it reads what comes next."""
        self._batch.append(statement)
        if _READS_DIFFERENTLY.match(statement.text):
            self.flush()

    def alone(self, statement: Statement, tolerated: frozenset[str] = frozenset()) -> bool:
        """Execute a statement by itself; False if it failed in a tolerated way."""
        self.flush()
        return self._one(statement, tolerated)

    def copy(self, block: Copy) -> None:
        """Load a block of rows."""
        self.flush()
        try:
            with self._connection.cursor() as cursor:
                cursor.copy_expert(block.text, cast("IO[bytes]", block.rows), 1 << 16)
        except psycopg2.Error as error:
            raise faults.failed(Statement(block.line, block.text), error, self._place, self._connection) from error

    def _one(self, statement: Statement, tolerated: frozenset[str] = frozenset()) -> bool:
        try:
            self._send(statement.text)
        except psycopg2.Error as error:
            if error.pgcode in tolerated:
                return False
            raise faults.failed(statement, error, self._place, self._connection) from error
        return True

    def _send(self, text: bytes) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(text)
