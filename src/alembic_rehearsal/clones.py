"""Copies of the restored database, equal to it in what CREATE DATABASE ... TEMPLATE leaves out too."""

from __future__ import annotations

from psycopg2 import sql

from alembic_rehearsal.connect import connected
from alembic_rehearsal.postgres import Cluster, databases

# Owner, privileges and settings belong to the server, not to the database, so a template doesn't hand them on:
# https://www.postgresql.org/docs/current/manage-ag-templatedbs.html
_PROPERTIES = """
UPDATE pg_database SET datdba = source.datdba, datacl = source.datacl
  FROM pg_database source WHERE source.datname = %(source)s AND pg_database.datname = %(name)s;
INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
SELECT target.oid, setting.setrole, setting.setconfig
  FROM pg_db_role_setting setting
  JOIN pg_database source ON source.oid = setting.setdatabase AND source.datname = %(source)s
  JOIN pg_database target ON target.datname = %(name)s;
"""


def clone(cluster: Cluster, source: str, name: str) -> None:
    """Copy *source*, which nobody is connected to, to the new database *name*.

    Raises:
        ServerError: the server refuses.
    """
    databases.clone(cluster, source, name)
    with connected(cluster.admin) as connection, connection.cursor() as cursor:
        cursor.execute(_PROPERTIES, {"source": source, "name": name})


def rename(cluster: Cluster, name: str, new: str) -> None:
    """Rename a database, ending whatever sessions are left in it."""
    with connected(cluster.admin) as connection, connection.cursor() as cursor:
        # ALTER DATABASE waits up to 5 s for them to be gone; only from PostgreSQL 14 on could the function itself.
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        cursor.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(new)))
    cluster.created.append(new)
