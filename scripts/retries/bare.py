"""The project's own command, without the tool, killed at each commit of its upgrade and started again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from alembic_rehearsal import catalog
from alembic_rehearsal.again import commits
from alembic_rehearsal.catalog import Facts
from scripts.histories.history import filled
from scripts.histories.production import OWNER, Server
from scripts.histories.runs import Workshop, place_in

_TIMEOUT_S = 600
_LATER_PHASE = re.compile(r"\s*CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Death:
    """A deploy that died at a commit, and what the next one came to.

    Attributes:
        number: of the commit, from 1.
        sql: what the backend was at.
        same_phase: CREATE INDEX CONCURRENTLY has told the same state at the commit before.
        ends: "as undisturbed", "another schema", or the SQLSTATEs that the server logged of the next try.
        place: the line of the revision that the next try failed at.
    """

    number: int
    sql: str
    same_phase: bool
    ends: str
    place: str = ""

    def plain(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Killer:
    """One production, and the command that upgrades it.

    Attributes:
        name: of the database that stands for production before the upgrade; `name`_case is the one that is worked on.
    """

    shop: Workshop
    server: Server
    name: str

    def deaths(self) -> tuple[Death, ...]:
        """Kill the command at each commit but the last, and say what the next one made of it."""
        case = f"{self.name}_case"
        with commits.gate(self.server.cluster.admin, case, OWNER) as gate:
            self.server.create(case, template=self.name)
            self._held(gate, None)
            seen, wanted = tuple(gate.seen), self._state()
            found: list[Death] = []
            before = None
            for number in range(1, len(seen)):
                self.server.create(case, template=self.name)
                self._held(gate, number)
                left, here = self._state(), seen[number - 1]
                same = left == before and bool(_LATER_PHASE.match(here.sql))
                found.append(self._next(Death(number, " ".join(here.sql.split()), same, "as undisturbed"), wanted))
                before = left
        return tuple(found)

    def _held(self, gate: commits.Gate, number: int | None) -> None:
        gate.close_at(number)
        address = self.server.address(f"{self.name}_case")
        self.shop.write(address)
        words = [filled(word, address=address, home=os.fspath(self.shop.home)) for word in self.shop.history.upgrade]
        command = subprocess.Popen(
            [os.fspath(self.shop.python.parent / words[0]), *words[1:]],
            cwd=self.shop.folder,
            env=self.shop.environ(address),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + _TIMEOUT_S
        try:
            while command.poll() is None and not gate.look() and time.monotonic() < deadline:
                time.sleep(0.005)
        finally:
            if command.poll() is None:
                os.killpg(command.pid, signal.SIGKILL)
            command.wait()
            gate.open()

    def _next(self, death: Death, wanted: tuple[Facts, frozenset[str]]) -> Death:
        case = f"{self.name}_case"
        mark = self.server.cluster.log_mark()
        done = self.shop.run(self.shop.history.upgrade, self.server.address(case))
        if done.returncode:
            file, line = place_in(done.stdout, self.shop.graph)
            logged = dict.fromkeys(each.sqlstate for each in self.server.log(case, mark))
            return replace(death, ends=" ".join(logged) or f"exit {done.returncode}", place=f"{file}:{line}")
        return death if self._state() == wanted else replace(death, ends="another schema")

    def _state(self) -> tuple[Facts, frozenset[str]]:
        case = f"{self.name}_case"
        return catalog.read(replace(self.server.cluster.admin, dbname=case)), self.server.at(case)
