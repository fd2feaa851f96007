"""Databases on a throw-away server: made, cloned, dropped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT, connection

from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.postgres.cluster import Cluster

# CREATE DATABASE ... STRATEGY: https://www.postgresql.org/docs/15/sql-createdatabase.html
_STRATEGY_SINCE = 15


def create(cluster: Cluster, name: str, *, template: str | None = None, owner: str | None = None) -> None:
    """Make a database.

    Raises:
        ServerError: the server refuses.
    """
    parts: list[sql.Composable] = [sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))]
    if owner is not None:
        parts.append(sql.SQL("OWNER {}").format(sql.Identifier(owner)))
    if template is not None:
        parts.append(sql.SQL("TEMPLATE {}").format(sql.Identifier(template)))
        if cluster.offer.major >= _STRATEGY_SINCE:
            # Files are copied as they are. The default writes every page to the log, six times slower.
            parts.append(sql.SQL("STRATEGY file_copy"))
    cluster.created.append(name)
    _execute(cluster, sql.SQL(" ").join(parts))


def clone(cluster: Cluster, source: str, name: str) -> None:
    """Copy a database that nobody is connected to.

    Raises:
        ServerError: the server refuses.
    """
    create(cluster, name, template=source)


def drop(cluster: Cluster, name: str) -> None:
    """Drop a database and end the connections to it; nothing happens if it isn't there.

    Raises:
        ServerError: the server refuses.
    """
    _execute(cluster, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    with contextlib.suppress(ValueError):
        cluster.created.remove(name)


@contextlib.contextmanager
def _connected(cluster: Cluster) -> Iterator[connection]:
    link = psycopg2.connect(**cluster.admin.kwargs(), connect_timeout=10)
    try:
        link.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        yield link
    finally:
        link.close()


def _execute(cluster: Cluster, statement: sql.Composed) -> None:
    try:
        with _connected(cluster) as link, link.cursor() as cursor:
            # The command's IF NOT EXISTS notices are looked for in the log; these would be in the way.
            cursor.execute("SET client_min_messages = warning")
            cursor.execute(statement)
    except psycopg2.Error as error:
        message = f"the throw-away server refused with SQLSTATE {error.pgcode}: {str(error).strip()}"
        raise ServerError(message) from error
