"""The order of the stages: options -> dump -> server -> rehearsal -> evidence -> findings -> report."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from alembic_rehearsal import (
    checks,
    clones,
    compose,
    configured,
    dump,
    locks,
    migrator,
    postgres,
    readback,
    rehearse,
    versions,
    workdir,
)
from alembic_rehearsal import project as projects
from alembic_rehearsal.checks import _names
from alembic_rehearsal.errors import PortTaken
from alembic_rehearsal.model import (
    DumpInfo,
    Endpoint,
    Evidence,
    Offer,
    Options,
    Project,
    Report,
    Restored,
    Trace,
)
from alembic_rehearsal.platforms import PLATFORMS

_PRISTINE = "rehearsal_pristine"
_REHEARSED = "rehearsal_rehearsed"
_READY_S = 60.0
_TRIES = 4


def silent(_text: str) -> None:
    """Hear nothing."""


@dataclass
class Listener:
    """What the caller wants to hear while the stages go on; the defaults keep quiet."""

    progress: Callable[[str], None] = silent
    output: Callable[[str], None] | None = None
    keep: Callable[[Report, Endpoint], None] | None = None


@dataclass
class _Clock:
    """Seconds that each step took, by name."""

    timings: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.timings[name] = round(time.monotonic() - began, 3)


def rehearse_upgrade(options: Options, environ: Mapping[str, str], listener: Listener) -> Report:
    """Rehearse what *options* ask for and return the report.

    Raises:
        RehearsalError: there is no verdict, for a reason that lies before the command.
    """
    clock = _Clock()
    target = projects.find(options, environ)
    with workdir.run_directory(expected_bytes=_expected_bytes(Path(options.dump))) as run:
        with clock.step("inspect"):
            info = dump.inspect(Path(options.dump), workdir=run)
        with clock.step("choose"):
            offer, warnings = postgres.choose(
                info.need,
                provider=options.postgres,
                image=options.postgres_image or None,
                forbidden=configured.urls(Path(target.root), environ),
            )
        for attempt in range(_TRIES):
            try:
                stage = _Stage(options, target, environ, info, offer, run / str(attempt), clock, listener)
                return stage.report(warnings)
            except PortTaken:
                if attempt == _TRIES - 1:
                    raise
            except _OtherOwnerError as other:
                options = replace(options, role=other.owner)
    raise AssertionError


def _expected_bytes(dump_path: Path) -> int:
    """Return how much a dump may amount to at most, as long as it is small: SQL compresses to a tenth or so."""
    files = dump_path.rglob("*") if dump_path.is_dir() else (dump_path,)
    return 20 * sum(file.stat().st_size for file in files if file.is_file())


class _OtherOwnerError(Exception):
    """env.py configured another version table than was expected, and that one belongs to another role."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


@dataclass
class _Stage:
    """One server, and everything that happens on it."""

    options: Options
    target: Project
    environ: Mapping[str, str]
    info: DumpInfo
    offer: Offer
    run: Path
    clock: _Clock
    listener: Listener
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)

    def report(self, warnings: tuple[str, ...]) -> Report:
        self.run.mkdir(mode=0o755)
        self.listener.progress(f"starting PostgreSQL {self.offer.major} ({self.offer.provider})")
        allowed = PLATFORMS.get(self.target.platform, frozenset())
        with postgres.start(self.offer, workdir=self.run, password=self.password, trusted=allowed) as cluster:
            evidence = self._evidence(cluster)
            with self.clock.step("judge"):
                findings = checks.judge(evidence)
            if not cluster.fenced:
                warnings = (*warnings, "the throw-away server was free to connect out: no Landlock, no container")
            report = compose.compose(evidence, self.offer, findings, warnings, self.clock.timings)
            if self.options.keep and self.listener.keep:
                dbname = _REHEARSED if evidence.survey else evidence.restored.dbname
                role = evidence.migrator.role
                self.listener.keep(report, cluster.endpoint(dbname, user=role, password=self.password))
            return report

    def _evidence(self, cluster: postgres.Cluster) -> Evidence:
        guess = self.options.database_name or self.info.dbname or "rehearsal"
        placeholder = cluster.endpoint(guess, user=migrator.PLACEHOLDER, password=self.password)
        with rehearse.start(
            self.target,
            placeholder,
            directory=self.run / "true",
            environ=self.environ,
            allow_ports=self.options.allow_port,
        ) as running:
            with self.clock.step("server"):
                cluster.ready(_READY_S)
            restored = self._restore(cluster)
            expected = versions.preferred(restored.version_tables)
            role = migrator.prepare(
                _on(cluster.admin, restored.dbname),
                restored,
                expected,
                asked=self.options.role,
                platform=self.target.platform,
                password=self.password,
            )
            with self.clock.step("clone"):
                clones.clone(cluster, restored.dbname, _PRISTINE)
            admin = _on(cluster.admin, restored.dbname)
            mark = readback.mark(admin, secrets.token_hex(8))
            endpoint = cluster.endpoint(restored.dbname, user=role.role, password=self.password)
            trace = self._run(cluster, running, endpoint, admin, "upgrade")
        with self.clock.step("read back"):
            pristine = _on(cluster.admin, _PRISTINE)
            tables = tuple(
                versions.configured(context, restored.version_tables, endpoint) for context in trace.contexts
            )
            owners = {table.owner for table in tables if table is not None}
            if restored.owners_known and not self.options.role and len(owners) == 1 and role.role not in owners:
                raise _OtherOwnerError(owners.pop())
            back = readback.read(admin, mark, tables[0] if tables else expected)
        survey = self._survey(cluster, restored, trace, endpoint)
        present = readback.present(pristine, _names_of(trace, survey))
        return Evidence(
            options=self.options,
            project=self.target,
            dump=self.info,
            restored=restored,
            tables=tables,
            migrator=role,
            trace=trace,
            survey=survey,
            readback=back,
            present=present,
            filled=readback.filled(pristine, present),
        )

    def _restore(self, cluster: postgres.Cluster) -> Restored:
        self.listener.progress("restoring the dump")
        with self.clock.step("restore"):
            restored = dump.restore(
                self.info,
                cluster.admin,
                workdir=self.run,
                dbname=self.options.database_name or None,
                include_data=self.options.include_data,
                progress=self.listener.progress,
            )
        cluster.created.append(restored.dbname)
        versions.require(restored, self.options.at)
        if not self.options.at:
            return restored
        admin = _on(cluster.admin, restored.dbname)
        versions.write(admin, restored, self.options.at)
        return replace(restored, version_tables=readback.version_tables_of(admin))

    def _run(
        self,
        cluster: postgres.Cluster,
        running: rehearse.Rehearsal,
        endpoint: Endpoint,
        admin: Endpoint,
        step: str,
    ) -> Trace:
        self.listener.progress(f"running {projects.readable(self.target.argv)}")
        since = cluster.log_mark()
        with self.clock.step(step):
            running.release(endpoint)
            return running.finish(
                timeout_s=self.options.timeout,
                waiting_on=lambda: locks.waiting_on(admin),
                log=lambda: cluster.log(since)[0],
                on_output=self.listener.output if step == "upgrade" else None,
            )

    def _survey(self, cluster: postgres.Cluster, restored: Restored, trace: Trace, endpoint: Endpoint) -> Trace | None:
        """Run the command once more on a fresh clone, past each failure, when a statement failed in the true run."""
        failed = trace.exit_status not in (0, None) and trace.steps
        if not failed:
            return None
        # Under its own name: a migration may name its database.
        clones.rename(cluster, restored.dbname, _REHEARSED)
        clones.clone(cluster, _PRISTINE, restored.dbname)
        with rehearse.start(
            self.target,
            endpoint,
            directory=self.run / "survey",
            environ=self.environ,
            mode="survey",
            allow_ports=self.options.allow_port,
        ) as running:
            admin = _on(cluster.admin, restored.dbname)
            return self._run(cluster, running, endpoint, admin, "survey")


def _on(admin: Endpoint, dbname: str) -> Endpoint:
    return replace(admin, dbname=dbname)


def _names_of(trace: Trace, survey: Trace | None) -> frozenset[str]:
    """Return every name that an error or a read of the two runs is about, to be looked up in production's schema."""
    names: set[str] = set()
    for run in (trace, survey):
        if run is None:
            continue
        errors = [each.error for each in run.statements if each.error is not None]
        errors += [each.error for each in run.failures if each.error is not None]
        names.update(*(_names.quoted(error) for error in errors))
        failing = [each for each in run.statements if each.error is not None]
        for each in (*failing, *run.statements[-1:]):
            names |= _names.words(each.sql)
    return frozenset(names)
