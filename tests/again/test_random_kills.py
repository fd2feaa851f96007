"""The verdict on what dies half-way against what really happens: real upgrades, killed at random moments.

The suite takes a few; `REHEARSAL_KILLS=200` asks for that many kills.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from histories import STAMPED, projects
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alembic_rehearsal import again, catalog, gate, readback
from alembic_rehearsal.again import cuts
from alembic_rehearsal.again.states import State
from alembic_rehearsal.connect import connected
from alembic_rehearsal.listening import Listener
from alembic_rehearsal.model import Cut, Cuts, Endpoint, Options
from alembic_rehearsal.postgres import Cluster, databases
from fix_projects import OWNER, Production, write_project
from harness import alembic

_KILLS_EACH = 8
_HISTORIES = max(1, int(os.environ.get("REHEARSAL_KILLS", "16")) // _KILLS_EACH)
_SESSIONS = "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


@dataclass(frozen=True)
class Deploy:
    """The project's own command, without the tool, on copies of production.

    Attributes:
        dbname: of the copy.
    """

    cluster: Cluster
    source: str
    project: Path
    dbname: str

    @property
    def admin(self) -> Endpoint:
        return replace(self.cluster.admin, dbname=self.dbname)

    def fresh(self) -> None:
        databases.drop(self.cluster, self.dbname)
        databases.create(self.cluster, self.dbname, template=self.source, owner=OWNER)

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            alembic("upgrade", "head"), cwd=self.project, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def finish(self) -> bool:
        return self.start().wait(60) == 0

    def state(self) -> State:
        return State(catalog.read(self.admin), readback.version_tables_of(self.admin))

    def busy_s(self) -> float:
        """Upgrade, and return how long the command was connected."""
        command = self.start()
        self._connected(command)
        began = time.monotonic()
        assert command.wait(60) == 0
        return time.monotonic() - began

    def die(self, after_s: float, *, by_backend: bool) -> None:
        """Upgrade, and kill the command or its backends that long after it has connected."""
        command = self.start()
        self._connected(command)
        time.sleep(after_s)
        if by_backend:
            self._rows(_SESSIONS)
            command.wait(60)
        else:
            if command.poll() is None:
                os.killpg(command.pid, signal.SIGKILL)
            command.wait(60)
        while self._rows(_SESSIONS):
            time.sleep(0.002)

    def _connected(self, command: subprocess.Popen[bytes]) -> None:
        with connected(self.cluster.admin) as connection, connection.cursor() as cursor:
            while command.poll() is None:
                cursor.execute("SELECT FROM pg_stat_activity WHERE datname = %s", (self.dbname,))
                if cursor.rowcount:
                    return

    def _rows(self, query: str) -> list[Any]:
        with connected(self.cluster.admin) as connection, connection.cursor() as cursor:
            cursor.execute(query, (self.dbname,))
            return cursor.fetchall()


@contextmanager
def deploy_of(production: Production, env: str, bodies: dict[str, str]) -> Iterator[Deploy]:
    with tempfile.TemporaryDirectory() as place:
        dbname = f"deploy_{secrets.token_hex(4)}"
        address = f"postgresql+psycopg2://{OWNER}:x@127.0.0.1:{production.cluster.admin.port}/{dbname}"
        project = write_project(Path(place, "p"), bodies, env=env)
        (project / "alembic.ini").write_text(
            f"[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.url = {address}\n"
        )
        deploy = Deploy(production.cluster, production.dbname, project, dbname)
        try:
            yield deploy
        finally:
            databases.drop(production.cluster, dbname)


def rehearsed(deploy: Deploy, dump: Path, patch: pytest.MonkeyPatch) -> tuple[Cuts | None, int]:
    """Rehearse the same upgrade, and return what was tried and how many errors of the check there are."""
    seen: list[Cuts | None] = []
    tried = cuts.tried

    def listening(*values: Any) -> Cuts | None:
        seen.append(tried(*values))
        return seen[-1]

    # Only listened to: what is tried is the real thing.
    patch.setattr(again.cuts, "tried", listening)
    patch.setattr(cuts, "MOST", 100)
    options = Options(
        dump=str(dump),
        directory=str(deploy.project),
        from_base=False,
        remedies=False,
        instances=1,
        severity=("not-repeatable=off", "second-run-not-a-no-op=off"),
    )
    report = gate.rehearse_upgrade(options, dict(os.environ), Listener())
    patch.undo()
    errors = sum(each.check == "not-retryable" and each.severity.value == "error" for each in report.findings)
    return (seen[-1] if seen else None), errors


@settings(
    max_examples=_HISTORIES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=projects, seed=st.integers(0, 2**32))
def test_what_a_random_death_leaves_is_retryable_where_the_verdict_says_so(
    drawn: tuple[str, dict[str, str]], seed: int, production: Production
) -> None:
    """Each state that is met was either tried, with this outcome, or is one that parts no revision."""
    dice = random.Random(seed)
    _prepare(production)
    dump = production.dump()
    with deploy_of(production, *drawn) as deploy:
        found, errors = rehearsed(deploy, dump, pytest.MonkeyPatch())
        assert found is None or (not found.untried and all(cut.outcome != "not reached" for cut in found.tried)), found
        assert bool(errors) == any(_bad(cut) for cut in (found.tried if found else ()))
        known = {cut.state: cut for cut in (found.tried if found else ())}
        deploy.fresh()
        busy_s = deploy.busy_s()
        wanted = deploy.state()
        for number in range(_KILLS_EACH):
            deploy.fresh()
            deploy.die(dice.random() * busy_s, by_backend=bool(number % 2))
            left = deploy.state().digest
            really = deploy.finish() and deploy.state() == wanted
            said = left not in known or not _bad(known[left])
            assert really == said, (drawn, left, known.get(left))


def _prepare(production: Production) -> None:
    """Give production its schema, the first time, and its owner a password."""
    admin = replace(production.cluster.admin, dbname=production.dbname)
    with connected(admin) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('users')")
        if cursor.fetchone() == (None,):
            production.execute(STAMPED)
        cursor.execute(f"ALTER ROLE {OWNER} LOGIN PASSWORD 'x'")


def _bad(cut: Cut) -> bool:
    return cut.outcome in ("failed", "differs")
