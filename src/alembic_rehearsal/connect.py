"""Connections of the tool's own to the throw-away server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as PgConnection  # noqa: N812  (a class that psycopg2 spells small)
from psycopg2.extensions import cursor as PgCursor  # noqa: N812

from alembic_rehearsal.model import Endpoint


@contextmanager
def connected(endpoint: Endpoint) -> Iterator[PgConnection]:
    """Yield a new connection to *endpoint* in autocommit mode, and close it."""
    connection: PgConnection = psycopg2.connect(
        **endpoint.kwargs(),
        application_name="alembic-rehearsal tool",
        # psycopg2 quotes identifiers as UTF-8, whatever the database's own encoding is.
        client_encoding="UTF8",
    )
    try:
        connection.autocommit = True
        if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            # Bytes of no known encoding: as LATIN1 any of them can be read, and goes back as it was.
            connection.set_client_encoding("LATIN1")
        yield connection
    finally:
        connection.close()


def quoted(cursor: PgCursor, template: str, *names: str) -> str:
    """Return *template* with each %I filled in with one of *names*, quoted by the server.

    psycopg2's own `sql.Identifier` encodes as UTF-8, whatever the connection's encoding is.
    """
    cursor.execute(f"SELECT pg_catalog.format(%s{', %s' * len(names)})", (template, *names))
    [text] = cursor.fetchone() or ("",)
    return str(text)
