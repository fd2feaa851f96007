"""One database of a dump while it is restored."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from alembic_rehearsal.dump import faults
from alembic_rehearsal.dump.decision import Decision, Way
from alembic_rehearsal.dump.rules import Rules
from alembic_rehearsal.dump.script import Copy, Statement
from alembic_rehearsal.dump.server import RESTORER, Server
from alembic_rehearsal.dump.session import Session
from alembic_rehearsal.model import Endpoint

_CLIENT_ENCODING = re.compile(rb"SET\s+client_encoding\s*(?:=|TO)\s*'?(\w+)'?", re.IGNORECASE)


@dataclass
class Section:
    """Its database is made when something happens in it: pg_dumpall names databases with nothing in them.

    Attributes:
        name: in the dump.
        opened: something was restored into it.
        later: event triggers, which must not fire on what this tool does itself.
    """

    name: str
    rules: Rules
    server: Server
    admin: Endpoint
    place: faults.Place
    opened: bool = False
    later: list[tuple[Statement, Decision]] = field(default_factory=list)
    _session: Session | None = None
    _preamble: list[Statement] = field(default_factory=list)

    def send(self, statement: Statement, decision: Decision) -> bool:
        """Execute as decided; False if it failed in a tolerated way."""
        self._session = session = self._session or self._open()
        done = Statement(statement.line, decision.text)
        if decision.way is Way.LATER:
            self.later.append((done, decision))
            return True
        if decision.way in (Way.ALONE, Way.AS_ROLE):
            return session.alone(done, decision.tolerated)
        session.add(done)
        return True

    def set(self, statement: Statement, decision: Decision) -> None:
        """Execute a setting, now or when the database is opened."""
        if self._session is None:
            self._preamble.append(Statement(statement.line, decision.text))
        else:
            self._session.set(Statement(statement.line, decision.text))

    def copy(self, block: Copy) -> None:
        """Load rows."""
        self._session = self._session or self._open()
        self._session.copy(block)

    def leave(self) -> None:
        """Finish what waits and close the connection; the settings are gone with it."""
        if self._session is not None:
            self._session.flush()
        self.abandon()

    def abandon(self) -> None:
        """Close the connection."""
        if self._session is not None:
            self._session.close()
        self._session = None
        self._preamble.clear()

    def _open(self) -> Session:
        self.opened = True
        told = [found[1].decode() for one in self._preamble if (found := _CLIENT_ENCODING.match(one.text))]
        actual = self.server.databases.ensure(self.name, *told[-1:])
        session = Session(self.admin, actual, RESTORER, self.place)
        for statement in self._preamble:
            session.set(statement)
        return session
