"""What of a dump belongs to the whole server: roles, their memberships and settings, databases."""

from __future__ import annotations

from typing import Any

import psycopg2
from psycopg2 import sql

from alembic_rehearsal.dump import faults, roles
from alembic_rehearsal.dump.databases import Databases
from alembic_rehearsal.dump.decision import Decision, Way
from alembic_rehearsal.dump.script import Statement
from alembic_rehearsal.dump.session import connect, execute
from alembic_rehearsal.model import Endpoint

RESTORER = "rehearsal_restore"
# The one role of a stock cluster that is a superuser; all others are made without any right.
_STOCK_SUPERUSER = "postgres"


class Server:
    """The throw-away server, as its bootstrap superuser.

    Attributes:
        version: as in server_version_num.
        settings: names of all its parameters.
        databases: those of the dump.
    """

    def __init__(self, admin: Endpoint, place: faults.Place) -> None:
        self._connection: Any = connect(admin, admin.dbname)
        self._place = place
        self.version: int = self._connection.server_version
        self.settings = frozenset(self._column("SELECT pg_catalog.lower(name) FROM pg_catalog.pg_settings"))
        self._before = frozenset(self._column("SELECT rolname FROM pg_catalog.pg_roles"))
        self._roles = set(self._before)
        self._lent: set[str] = set()
        self.databases = Databases(self._connection)
        if RESTORER not in self._roles:
            self.make_role(RESTORER, "SUPERUSER NOLOGIN")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def make_role(self, name: str, attributes: str = "NOLOGIN") -> None:
        """Make a role unless it is there."""
        if name not in self._roles:
            execute(self._connection, sql.SQL("CREATE ROLE {} " + attributes).format(sql.Identifier(name)))
            self._roles.add(name)

    def ensure_roles(self, wanted: frozenset[str]) -> bool:
        """Make the roles that are missing; False if one is PostgreSQL's own and this server lacks it."""
        missing = wanted - self._roles
        if any(name.startswith("pg_") for name in missing):
            return False
        for name in sorted(missing):
            self.make_role(name, "SUPERUSER NOLOGIN" if name == _STOCK_SUPERUSER else "NOLOGIN")
        return True

    def lend_rights(self, names: frozenset[str]) -> None:
        """Let roles do what their owners' superuser would do for them, until `take_rights_back`.

        With --use-set-session-authorization the owners make their objects themselves, and need rights for it that
        the dump doesn't give them.
        """
        for name in names - self._before - self._lent:
            query = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = %s"
            if execute(self._connection, query, (name,)) == [(False,)]:
                execute(self._connection, sql.SQL("ALTER ROLE {} SUPERUSER").format(sql.Identifier(name)))
                self._lent.add(name)

    def take_rights_back(self) -> None:
        """Make ordinary roles of those that were lent a superuser's rights."""
        while self._lent:
            statement = sql.SQL("ALTER ROLE {} NOSUPERUSER")
            execute(self._connection, statement.format(sql.Identifier(self._lent.pop())))

    def run(self, statement: Statement, decision: Decision) -> bool:
        """Execute a statement about roles or databases; False if it failed in a tolerated way.

        Raises:
            DumpError: it failed in another way.
        """
        if decision.way is Way.DATABASE:
            self.databases.create(statement)
            return True
        # A role that the server had before, the tool's own or a server's of the user's, stays as it is.
        if roles.named(decision.text) in self._before:
            return True
        text = self.databases.translate(decision.text)
        if not text:
            return True
        try:
            execute(self._connection, text)
        except psycopg2.Error as error:
            if error.pgcode in decision.tolerated:
                return False
            raise faults.failed(statement, error, self._place, self._connection) from error
        return True

    def _column(self, query: str) -> list[str]:
        return [row[0] for row in execute(self._connection, query)]
