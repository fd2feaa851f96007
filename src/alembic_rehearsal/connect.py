"""Connections of the tool's own to the throw-away server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as PgConnection  # noqa: N812  (a class that psycopg2 spells small)

from alembic_rehearsal.model import Endpoint


@contextmanager
def connected(endpoint: Endpoint) -> Iterator[PgConnection]:
    """Yield a new connection to *endpoint* in autocommit mode, and close it."""
    connection: PgConnection = psycopg2.connect(**endpoint.kwargs(), application_name="alembic-rehearsal tool")
    try:
        connection.autocommit = True
        if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            # Bytes of no known encoding: as LATIN1 any of them can be read, and goes back as it was.
            connection.set_client_encoding("LATIN1")
        yield connection
    finally:
        connection.close()
