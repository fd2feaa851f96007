"""One server, and everything that happens on it: restore, the true run, the survey, the evidence, the report.

The command is busy with its own imports while this module and what it needs are imported; see `gate`.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alembic_rehearsal import (
    aftermath,
    again,
    causes,
    checks,
    compose,
    configured,
    dump,
    explaining,
    intake,
    mending,
    migrator,
    pedigree,
    postgres,
    privileges,
    readback,
    rehearse,
    versions,
)
from alembic_rehearsal.checks import _names, depends_on_rows
from alembic_rehearsal.errors import OtherOwnerError, OtherTableError
from alembic_rehearsal.history import building
from alembic_rehearsal.lab import PRISTINE, Lab
from alembic_rehearsal.listening import Clock, Listener
from alembic_rehearsal.model import (
    DumpInfo,
    Evidence,
    Migrator,
    Offer,
    Options,
    Privileges,
    Project,
    Readback,
    Report,
    Restored,
    Trace,
    VersionTable,
)
from alembic_rehearsal.platforms import PLATFORMS

_READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known before a server is started.

    Attributes:
        notes: for the report, on the dump and on the choice of the server.
    """

    info: DumpInfo
    offer: Offer
    notes: tuple[str, ...]


def prepare(
    options: Options, target: Project, environ: Mapping[str, str], *, run: Path, clock: Clock, listener: Listener
) -> Prepared:
    """Look at the dump and choose its server.

    Raises:
        RehearsalError: the dump can't be read, or no server here can hold it.
    """
    with clock.step("snapshot" if options.from_url else "inspect"):
        info, notes = intake.dump_of(options, workdir=run, progress=listener.progress)
    with clock.step("choose"):
        offer, warnings = postgres.choose(
            info.need,
            provider=options.postgres,
            image=options.postgres_image or None,
            forbidden=(*configured.urls(Path(target.root), environ), *filter(None, [options.from_url])),
        )
    return Prepared(info, offer, (*notes, *warnings))


@dataclass
class Stage:
    """One server, and everything that happens on it.

    Attributes:
        running: the command, started already; None for one that has to wait for the server's container.
        expected_bytes: what will be restored, at most.
        version_table: schema and name of the one that `--at` is written to, where an earlier try has found it out.
    """

    options: Options
    target: Project
    environ: Mapping[str, str]
    prepared: Prepared
    run: Path
    running: rehearse.Rehearsal | None
    port: int
    password: str = field(repr=False)
    clock: Clock
    listener: Listener
    expected_bytes: int
    version_table: tuple[str, str] | None = None
    _bench: Lab | None = field(default=None, init=False)

    @property
    def offer(self) -> Offer:
        """Return the chosen server."""
        return self.prepared.offer

    def report(self) -> Report:
        """Start the server, rehearse on it, and return the report.

        Raises:
            PortTaken: another process took the port.
            OtherOwnerError: the command has to be run as another role.
            OtherTableError: the command reads its revision from another table.
            RehearsalError: there is no verdict.
        """
        warnings = self.prepared.notes
        self.listener.progress(f"starting PostgreSQL {self.offer.major} ({self.offer.provider})")
        with self._started() as cluster, self._command(cluster) as running:
            evidence = self._evidence(cluster, running)
            with self.clock.step("judge"):
                findings = causes.explained(checks.judge(evidence), evidence)
            if self._bench is not None:
                findings, notes = mending.mended(findings, evidence, self._bench)
                warnings = (*warnings, *notes)
            if not cluster.fenced:
                warnings = (
                    *warnings,
                    "the throw-away server was free to connect out: no guard of the kernel, no container",
                )
            report = compose.compose(evidence, self.offer, findings, warnings, self.clock.timings)
            if self.options.keep and self.listener.keep:
                dbname = self._bench.aside("rehearsed") if self._bench else evidence.restored.dbname
                role = evidence.migrator.role
                self.listener.keep(report, cluster.endpoint(dbname, user=role, password=self.password))
            return report

    def _started(self) -> AbstractContextManager[postgres.Cluster]:
        return postgres.start(
            self.offer,
            workdir=self.run,
            port=self.port,
            password=self.password,
            trusted=PLATFORMS.get(self.target.platform, frozenset()),
            expected_bytes=self.expected_bytes,
        )

    def _command(self, cluster: postgres.Cluster) -> AbstractContextManager[rehearse.Rehearsal]:
        """Return the command, which waits for its database; one in an image is started only now."""
        if self.running is not None:
            return contextlib.nullcontext(self.running)
        name = self.options.database_name or "rehearsal"
        return rehearse.start(
            self.target,
            cluster.endpoint(name, user=rehearse.PLACEHOLDER, password=self.password),
            directory=self.run / "true",
            environ=self.environ,
            beside=cluster.container,
        )

    def _evidence(self, cluster: postgres.Cluster, running: rehearse.Rehearsal) -> Evidence:
        with self.clock.step("server"):
            cluster.ready(_READY_S)
        restored = self._restore(cluster)
        expected = versions.preferred(restored.version_tables)
        role = migrator.prepare(
            replace(cluster.admin, dbname=restored.dbname),
            restored,
            expected,
            asked=self.options.role,
            platform=self.target.platform,
            password=self.password,
        )
        lab = self._bench = self._lab(cluster, restored, role)
        with explaining.ahead(lab, self.run / "from-base") as builder:
            return self._rehearsed(lab, running, expected, builder)

    def _rehearsed(
        self, lab: Lab, running: rehearse.Rehearsal, expected: VersionTable | None, builder: building.Builder | None
    ) -> Evidence:
        restored, role = lab.restored, lab.migrator
        lab.true = running
        mark = readback.mark(lab.admin, secrets.token_hex(8))
        trace = lab.watch(running, "upgrade")
        with self.clock.step("read back"):
            tables = tuple(
                versions.configured(context, restored.version_tables, lab.endpoint) for context in trace.contexts
            )
            versions.known(self.options.at, trace.contexts)
            self._require_table(trace, tables)
            self._require_owner(restored, tables, role)
            back = readback.read(lab.admin, mark, tables[0] if tables else expected, trace.fingerprints)
        with explaining.begun(lab, trace, self.run / "from-base", builder) as rest:
            passed = trace.exit_status == 0
            left = aftermath.left(lab.admin_of(PRISTINE), lab.admin) if passed else ()
            rights = self._rights(lab, back) if passed else None
            more = again.tried(lab, trace, mark.xid)
            why = rest()
        pristine = lab.admin_of(PRISTINE)
        present = readback.present(pristine, _names_of(trace, why.survey))
        endpoint = running.endpoint or lab.endpoint
        bare = readback.bare(pristine) - restored.known_empty
        became, lines = pedigree.looked_up(self.options, self.target, trace)
        return Evidence(
            options=self.options,
            project=self.target,
            dump=self.prepared.info,
            restored=restored,
            tables=tables,
            migrator=role,
            trace=trace,
            survey=why.survey,
            readback=back,
            present=present,
            filled=readback.filled(pristine, present),
            left=left if why.survey is None else (),
            bare=bare,
            needs=_tried(lab, trace, bare),
            address=f"{endpoint.host}:{endpoint.port}",
            history=why.history,
            alone=why.alone,
            upgraded=why.upgraded,
            production=why.production,
            surveyed=why.surveyed,
            lines=lines,
            since=became,
            again=more,
            drift=why.drift,
            privileges=rights,
        )

    def _rights(self, lab: Lab, back: Readback) -> Privileges:
        tables = (*lab.restored.version_tables, *back.version_tables)
        names = {f"{table.schema}.{table.name}" for table in tables}
        return privileges.compared(lab.admin_of(PRISTINE), lab.admin, migrator=lab.migrator.role, tables=names)

    def _lab(self, cluster: postgres.Cluster, restored: Restored, role: Migrator) -> Lab:
        return Lab(
            cluster=cluster,
            restored=restored,
            migrator=role,
            options=self.options,
            target=self.target,
            environ=self.environ,
            directory=self.run,
            password=self.password,
            clock=self.clock,
            listener=self.listener,
        )

    def _require_table(self, trace: Trace, tables: Sequence[VersionTable | None]) -> None:
        """Stop if `--at` went into another version table than the command's."""
        other = versions.other_than(self.version_table, trace.contexts, tables) if self.options.at else None
        if other is not None:
            raise OtherTableError(*other)

    def _require_owner(self, restored: Restored, tables: Sequence[VersionTable | None], role: Migrator) -> None:
        """Stop if the command ran as another role than the owner of the version table that it used."""
        owners = {table.owner for table in tables if table is not None}
        if restored.owners_known and not self.options.role and len(owners) == 1 and role.role not in owners:
            raise OtherOwnerError(owners.pop())

    def _restore(self, cluster: postgres.Cluster) -> Restored:
        self.listener.progress("restoring the dump")
        with self.clock.step("restore"):
            restored = dump.restore(
                self.prepared.info,
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
        admin = replace(cluster.admin, dbname=restored.dbname)
        self.version_table = versions.write(admin, restored, self.options.at, self.version_table)
        return replace(restored, version_tables=readback.version_tables_of(admin))


def _tried(lab: Lab, trace: Trace, bare: frozenset[str]) -> dict[Any, str]:
    """Return what the revisions ask of rows, each with what becomes of its query on production's schema."""
    needs = depends_on_rows.needs(trace, bare)
    if not needs:
        return {}
    pairs = ((need.query, need.moot) for need in needs)
    return dict(zip(needs, readback.tried(replace(lab.endpoint, dbname=PRISTINE), pairs), strict=True))


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
