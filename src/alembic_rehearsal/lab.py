"""Runs of the command on production's schema, each on a copy of its own, one after another on one server.

A migration may name its database, so every copy stands under production's name while it is run on; what stood there
before is put aside under a name that says what it was.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from psycopg2 import sql

from alembic_rehearsal import clones, locks, rehearse
from alembic_rehearsal.connect import connected
from alembic_rehearsal.errors import ProcessFailed
from alembic_rehearsal.listening import Clock, Listener
from alembic_rehearsal.model import Endpoint, LogRecord, Migrator, Options, Project, Restored, Trace
from alembic_rehearsal.postgres import Cluster
from alembic_rehearsal.project import readable

_Found = TypeVar("_Found")

PRISTINE = "rehearsal_pristine"
# What the true run left, once another run has taken its place.
FINISHED = "rehearsal_rehearsed"
# What all databases of a server have in common and a migration can change, but for statistics:
# https://www.postgresql.org/docs/current/catalogs-overview.html
_SHARED = """
SELECT pg_catalog.md5(pg_catalog.string_agg(line, ' ' ORDER BY line)) FROM (
    SELECT CAST(a AS text) AS line FROM pg_catalog.pg_authid a
    UNION ALL SELECT CAST(m AS text) FROM pg_catalog.pg_auth_members m
    UNION ALL SELECT CAST((s.setdatabase, s.setrole, each) AS text)
      FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS each
     WHERE each NOT LIKE 'alembic_rehearsal.%'
    UNION ALL SELECT CAST((d.oid, d.datdba, d.datacl, d.datallowconn, d.datconnlimit) AS text)
      FROM pg_catalog.pg_database d WHERE d.datname <> 'rehearsal_pristine'
    UNION ALL SELECT CAST(t AS text) FROM pg_catalog.pg_tablespace t
    UNION ALL SELECT CAST(d AS text) FROM pg_catalog.pg_shdescription d
    UNION ALL SELECT CAST(l AS text) FROM pg_catalog.pg_shseclabel l
) every
"""


@dataclass
class Lab:
    """A server with production's schema on it, and the command.

    Attributes:
        directory: for what the runs and this process tell each other, one folder a run.
        password: of the migrating role.
        true: the true run, of which others may be forked.
        fork: whether they are.
        shared_before: `shared` before the true run.
        standing: the run whose database stands under production's name.
        sibling: it is one that goes on beside another.
        siblings: the databases of those that go on beside this one.
    """

    cluster: Cluster
    restored: Restored
    migrator: Migrator
    options: Options
    target: Project
    environ: Mapping[str, str]
    directory: Path
    password: str = field(repr=False)
    clock: Clock
    listener: Listener
    true: rehearse.Rehearsal | None = None
    fork: bool = field(default=False, init=False)
    shared_before: str = field(default="", init=False)
    standing: str = field(default="", init=False)
    sibling: bool = field(default=False, init=False)
    siblings: set[str] = field(default_factory=set, init=False)
    _roles: frozenset[str] = field(default=frozenset(), init=False)

    def __post_init__(self) -> None:
        """Keep a copy of the database as it was restored, and remember which roles there are."""
        with self.clock.step("clone"):
            clones.clone(self.cluster, self.restored.dbname, PRISTINE)
        self._roles = self._roles_now()
        self.standing = "rehearsed"
        self.shared_before = self.shared()

    @property
    def admin(self) -> Endpoint:
        """Return the superuser's way into the database that the last run was on."""
        return self.admin_of(self.restored.dbname)

    @property
    def endpoint(self) -> Endpoint:
        """Return the migrating role's way into the database under production's name."""
        return self.cluster.endpoint(self.restored.dbname, user=self.migrator.role, password=self.password)

    def admin_of(self, dbname: str) -> Endpoint:
        """Return the superuser's way into *dbname*."""
        return replace(self.cluster.admin, dbname=dbname)

    def aside(self, name: str) -> str:
        """Return the name under which the database of the run *name* stands, now or once another run follows."""
        return self.restored.dbname if name == self.standing else f"rehearsal_{name}"

    @property
    def own(self) -> bool:
        """Whether the server is the tool's: on somebody else's the roles that a run makes can't be put aside."""
        return self.cluster.offer.provider != "server"

    def forks(self, *, overlay: bool = False) -> bool:
        """Say whether others can begin where the true run waited for its first connection, and read an *overlay*."""
        nursery = self.true.nursery if self.true is not None else None
        return nursery is not None and (nursery.reads_revisions if overlay else nursery.settled)

    def tried(self, run: Callable[[], _Found], doubtful: Callable[[_Found], bool], *, overlay: bool = False) -> _Found:
        """Return what *run* finds with the runs in it begun there, or from a fresh start if they can't be.

        A copy of a process may lack what its original has taken away at its end: files, for one. What is *doubtful* for
        that is looked for once more from a fresh start.
        """
        if self.forks(overlay=overlay):
            self.fork = True
            # A copy that does not come about says nothing, as a doubtful one does.
            with contextlib.suppress(ProcessFailed):
                try:
                    found = run()
                finally:
                    self.fork = False
                if not doubtful(found):
                    return found
        return run()

    def step(self, name: str) -> AbstractContextManager[None]:
        """Time a trial; a fork is another step than a start."""
        return self.clock.step(f"{name} (forked)" if self.fork else name)

    def name(self, trial: str) -> str:
        """Return the name of the run: one whose process is forked may be made once more."""
        return f"{trial}-forked" if self.fork else trial

    def beside(self, dbname: str) -> Lab:
        """Return one on the same server whose runs are on the database *dbname*, copies of the finished one only."""
        other = copy.copy(self)
        other.restored = replace(self.restored, dbname=dbname)
        other.standing, other.sibling = "", True
        self.siblings.add(dbname)
        return other

    def shared(self) -> str:
        """Return what stands for the state of all that the server's databases have in common."""
        with connected(self.cluster.admin) as connection, connection.cursor() as cursor:
            cursor.execute(_SHARED)
            [found] = cursor.fetchone() or ("",)
            return str(found)

    def fresh(self, name: str, source: str = PRISTINE) -> None:
        """Put a copy of *source* under production's name, for the run *name*.

        Roles that runs made go aside too, unless it is a copy of a database in which they have rights.

        Raises:
            ServerError: the server refuses.
        """
        if self.standing:
            clones.rename(self.cluster, self.restored.dbname, f"rehearsal_{self.standing}")
        clones.clone(self.cluster, source, self.restored.dbname)
        if source == PRISTINE:
            self._put_roles_aside(name)
        self.standing = name

    def watch(
        self,
        running: rehearse.Rehearsal,
        step: str,
        timeout_s: float = 0.0,
        *,
        meanwhile: Callable[[], bool] | None = None,
    ) -> Trace:
        """Let *running* go on to the database under production's name, and return what it did there.

        It may take as long as the deploy's command may, or *timeout_s*; *meanwhile* is as in `Rehearsal.finish`.
        """
        self.listener.progress(f"running {readable(self.target.argv)}")
        with self.clock.step(step) if step else contextlib.nullcontext():
            return self.released(
                running,
                timeout_s,
                on_output=self.listener.output if step == "upgrade" else None,
                meanwhile=meanwhile,
            )()

    def released(
        self,
        running: rehearse.Rehearsal,
        timeout_s: float = 0.0,
        *,
        on_output: Callable[[str], None] | None = None,
        meanwhile: Callable[[], bool] | None = None,
    ) -> Callable[[], Trace]:
        """Let *running* go on as `watch` does, and return what waits for its end."""
        since = self.cluster.log_mark()
        running.release(self.endpoint)
        return lambda: running.finish(
            timeout_s=timeout_s or self.options.timeout,
            waiting_on=lambda: locks.waiting_on(self.admin),
            log=lambda: [each for each in self.cluster.log(since)[0] if self._is_own(each)],
            on_output=on_output,
            meanwhile=meanwhile,
        )

    def run(
        self,
        name: str,
        *,
        mode: str = "true",
        target: Project | None = None,
        overlay: Mapping[str, Path] | None = None,
        facts: str = "",
        timed: bool = True,
        timeout_s: float = 0.0,
        meanwhile: Callable[[], bool] | None = None,
    ) -> Trace:
        """Run the command on the database under production's name and return what it did.

        Args:
            name: of this run, in the timings and the exchange's folder; each name once.
            mode, facts: as in `rehearse.start`.
            target: another command than the deploy's.
            overlay: as in `rehearse.start`.
            timed: as a step of its own.
            timeout_s: as in `watch`.
            meanwhile: as in `rehearse.Rehearsal.finish`.
        """
        with self.start(name, mode=mode, target=target, overlay=overlay, facts=facts) as running:
            return self.watch(running, name if timed else "", timeout_s, meanwhile=meanwhile)

    def start(
        self,
        name: str,
        *,
        mode: str = "true",
        target: Project | None = None,
        overlay: Mapping[str, Path] | None = None,
        facts: str = "",
        barrier_s: float = 0.0,
    ) -> AbstractContextManager[rehearse.Rehearsal]:
        """Start the command, which waits for its database; the arguments are those of `run` and `rehearse.start`."""
        if self.fork and self.true is not None and not target:
            directory = self.directory / name
            return self.true.fork(directory, mode=mode, facts=facts, overlay=overlay, barrier_s=barrier_s)
        return rehearse.start(
            target or self.target,
            self.endpoint,
            directory=self.directory / name,
            environ=self.environ,
            mode=mode,
            allow_ports=self.options.allow_port,
            overlay=overlay,
            beside=self.cluster.container,
            facts=facts,
            barrier_s=barrier_s,
        )

    def _is_own(self, record: LogRecord) -> bool:
        own = self.restored.dbname
        return record.dbname == own if self.sibling else record.dbname not in self.siblings

    def roles_left(self) -> bool:
        """Say whether a run made roles that stay where they are: on somebody else's server."""
        return not self.own and bool(self._roles_now() - self._roles)

    def _roles_now(self) -> frozenset[str]:
        with connected(self.cluster.admin) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT rolname FROM pg_roles")
            return frozenset(name for (name,) in cursor.fetchall())

    def _put_roles_aside(self, name: str) -> None:
        """Free the names of roles that a run made: roles belong to the server, not to the database that was copied."""
        if not self.own:
            return  # somebody else's server: a new role there may be somebody else's
        made = sorted(self._roles_now() - self._roles)
        with connected(self.cluster.admin) as connection, connection.cursor() as cursor:
            for number, role in enumerate(made):
                if not role.startswith("rehearsal_"):
                    new = sql.Identifier(f"rehearsal_{name}_{number}")
                    cursor.execute(sql.SQL("ALTER ROLE {} RENAME TO {}").format(sql.Identifier(role), new))
