"""Sessions on production: each can only read, none waits long, and none outlives its purpose."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2

from alembic_rehearsal.errors import SnapshotError
from alembic_rehearsal.snapshot.address import Address

LOCK_WAIT_MS = 10_000
_INSUFFICIENT_PRIVILEGE = "42501"
# The last is for the session that keeps the snapshot, should this process or its network hang.
_SETTINGS = {
    "default_transaction_read_only": "on",
    "lock_timeout": str(LOCK_WAIT_MS),
    "statement_timeout": "60000",
    "idle_in_transaction_session_timeout": "900000",
    "search_path": "",
    "jit": "off",
}
_MARK = "alembic_rehearsal.snapshot"


def options(address: Address, **more: str) -> str:
    """Return libpq's `options` for a session on production."""
    own = " ".join(f"-c {name}={value}" for name, value in {**_SETTINGS, **more}.items())
    return f"{address.parameters.get('options', '')} {own}".strip()


@contextmanager
def session(address: Address) -> Iterator[Any]:
    """Open one REPEATABLE READ, READ ONLY transaction, and roll it back at the end.

    Raises:
        SnapshotError: there is no such session to be had, or production failed within it.
    """
    connection = _connect(address)
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
        yield connection
    except psycopg2.Error as error:
        raise _failed(address, error) from None
    finally:
        connection.close()


def ask(connection: Any, query: str, **values: Any) -> list[Any]:
    """Return the rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall()  # type: ignore[no-any-return]


def _connect(address: Address) -> Any:
    token = secrets.token_hex(8)
    own = options(address, **{_MARK: token})
    kwargs = address.kwargs(options=own, application_name="alembic-rehearsal snapshot", client_encoding="UTF8")
    try:
        connection = psycopg2.connect(**kwargs)
    except psycopg2.Error as error:
        if _takes_no_options(address):
            raise _pooled() from None
        message = f"production can't be reached: {address.scrubbed(str(error)).strip()}"
        raise SnapshotError(message, fix="Try it alone: psql \"$DATABASE_URL\" -c 'SELECT 1'") from None
    connection.autocommit = True
    try:
        # Settings that a pooler drops would not protect, and pg_dump's own would stay on the pool's connection.
        if ask(connection, "SELECT pg_catalog.current_setting(%(name)s, true)", name=_MARK) != [(token,)]:
            raise _pooled()
    except BaseException:
        connection.close()
        raise
    return connection


def _takes_no_options(address: Address) -> bool:
    """Tell whether it is only the settings that were refused, as PgBouncer does."""
    without = address.kwargs()
    without.pop("options", None)
    try:
        psycopg2.connect(**without).close()
    except psycopg2.Error:
        return False
    return True


def _pooled() -> SnapshotError:
    return SnapshotError(
        "the URL leads to a connection pooler, which doesn't pass a session's settings on",
        fix="Use the database's direct address (on Render: connectionString, not connectionPoolString). What pg_dump "
        "sets for its session would stay behind on the pool's connections.",
    )


def _failed(address: Address, error: psycopg2.Error) -> SnapshotError:
    if error.pgcode is None:
        return SnapshotError(f"the connection to production was lost: {address.scrubbed(str(error)).strip()}")
    said = address.scrubbed(error.diag.message_primary or str(error).strip())
    fix = "GRANT pg_read_all_data TO the role of the URL" if error.pgcode == _INSUFFICIENT_PRIVILEGE else ""
    return SnapshotError(f"production refused with SQLSTATE {error.pgcode}: {said}", fix=fix)
