"""Every frozen record that crosses a doorway between two rooms."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic_rehearsal.again.records import Again
    from alembic_rehearsal.catalog import Facts
    from alembic_rehearsal.history import History


class Verdict(enum.Enum):
    """What a rehearsal ends with; the value is the word in the reports."""

    PASS = "pass"  # noqa: S105
    BLOCKED = "blocked"
    NO_VERDICT = "no verdict"

    @property
    def exit_status(self) -> int:
        """Return 0, 1 or 3."""
        return {Verdict.PASS: 0, Verdict.BLOCKED: 1, Verdict.NO_VERDICT: 3}[self]


class Severity(enum.Enum):
    """How much a finding weighs: an error blocks, `UNPROVED` withholds the verdict, the rest inform."""

    ERROR = "error"
    UNPROVED = "unproved"
    WARNING = "warning"
    NOTE = "note"


# --- the dump -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Need:
    """What a dump asks of a server.

    Attributes:
        major: production's PostgreSQL major version, None when the dump doesn't say.
        extensions: names as in CREATE EXTENSION, plpgsql left out.
        icu: the dump makes a collation or a database with the ICU provider.
    """

    major: int | None = None
    extensions: frozenset[str] = frozenset()
    icu: bool = False


@dataclass(frozen=True, slots=True)
class DumpInfo:
    """What is known of a dump before it is restored.

    Attributes:
        path: as the user gave it.
        form: "plain", "custom", "directory" or "tar".
        wrapping: what was taken off, outermost first: "gzip", "zstd", "xz", "lz4", "bzip2", "tar", "zip", "utf-16".
        payload: the file or directory to read: `path` itself, or what was unpacked from it.
        server_version: the text after "Dumped from database version", None when it isn't there.
        dumped_by: the text after "Dumped by pg_dump version", None when it isn't there.
        dbname: the database's name where the dump says it (archives, -C), else None.
        need: what it asks of a server.
        size_bytes: of the file or the directory as given.
        modified_at: of the file, or when a snapshot says that it was taken; seconds since the epoch.
        dated: the time is the snapshot's own word; a checkout makes every file new.
    """

    path: str
    form: str
    wrapping: tuple[str, ...]
    payload: str
    server_version: str | None
    dumped_by: str | None
    dbname: str | None
    need: Need
    size_bytes: int
    modified_at: float
    dated: bool = False


@dataclass(frozen=True, slots=True)
class VersionTable:
    """A table that Alembic keeps its revisions in, recognised by its column `version_num`, see `versiontables`.

    Attributes:
        width: the limit of the column in characters, None for text.
    """

    schema: str
    name: str
    owner: str
    rows: tuple[str, ...]
    width: int | None


@dataclass(frozen=True, slots=True)
class Restored:
    """A database that holds production's schema.

    Attributes:
        dbname: on the throw-away server.
        owners_known: the dump says who owns what; False for `pg_dump -O`, everything then belongs to one ordinary role.
        owner: the ordinary role that owns the database.
        table_count: user tables, version tables included.
        rows_left_out: qualified names of tables whose rows the dump holds and the restore left out.
        known_empty: tables that the dump shows to have no row in production.
        owner_known: the dump says who owns the database; pg_dump does with --create only.
        notes: one line each, for the report: what was left out or done otherwise than the dump says.
    """

    dbname: str
    owners_known: bool
    owner: str
    version_tables: tuple[VersionTable, ...]
    table_count: int
    rows_left_out: frozenset[str]
    known_empty: frozenset[str]
    notes: tuple[str, ...]
    owner_known: bool = True


# --- the server ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """One server that a provider could start here.

    Attributes:
        provider: "local", "embedded", "docker" or "server".
        major: PostgreSQL major version.
        version: as the server prints it, "15.18"; "" when it is not known before the start.
        location: directory of the binaries, image name, or URL without its password.
        extensions: what CREATE EXTENSION would find; None when it can't be known before the start.
        completed: the part of `extensions` that this project supplies in SQL.
        icu: built with ICU.
        dsn: of "server" alone, the URL with its password.
    """

    provider: str
    major: int
    version: str
    location: str
    extensions: frozenset[str] | None = None
    completed: frozenset[str] = frozenset()
    icu: bool = True
    dsn: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and as whom to connect.

    Attributes:
        host: a name, an address, or the directory of a Unix socket.
    """

    host: str
    port: int
    user: str
    dbname: str
    password: str = field(repr=False, default="")

    def kwargs(self) -> dict[str, Any]:
        """Return the keyword arguments of `psycopg2.connect`."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "dbname": self.dbname,
            "password": self.password,
        }


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line of the throw-away server's own log.

    Attributes:
        sqlstate: "00000" for plain messages.
        severity: "ERROR", "FATAL", "NOTICE", ... as the server writes them with lc_messages=C.
        backend_pid: of the backend that wrote it.
    """

    severity: str
    sqlstate: str
    message: str
    statement: str
    dbname: str
    user: str
    application_name: str
    backend_pid: int


# --- the rehearsal ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the project.

    Attributes:
        path: relative to the project's root where it lies under it, with "/".
        line: 1-based, None when only the file is known.
    """

    path: str
    line: int | None = None
    function: str = ""


@dataclass(frozen=True, slots=True)
class PgError:
    """A server's error, field by field as the protocol sends it.

    Source: https://www.postgresql.org/docs/current/protocol-error-fields.html
    """

    sqlstate: str
    message: str
    detail: str = ""
    hint: str = ""
    schema: str = ""
    table: str = ""
    column: str = ""
    constraint: str = ""
    datatype: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that the rehearsed command sent through SQLAlchemy.

    Attributes:
        seq: order in the run, from 1.
        connection: number of the connection that sent it, from 1.
        revision: whose code sent it; "" outside every revision.
        in_transaction: False in autocommit.
        pid: of the process that sent it; `connection` counts within it.
        skipped: the survey rolled it back and went on.
        rows: that it wrote, of a survey only.
        at: when it had ended, seconds since the epoch by that process's clock.
    """

    seq: int
    connection: int
    sql: str
    revision: str
    location: Location | None
    in_transaction: bool
    duration_ms: float
    error: PgError | None = None
    pid: int = 0
    skipped: bool = False
    rows: int = 0
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class CommitCall:
    """A commit that SQLAlchemy was about to send; one that goes past SQLAlchemy has none.

    Attributes:
        at: seconds since the epoch by the clock of the process *pid*.
    """

    pid: int
    connection: int
    at: float


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection that the command asked for.

    Attributes:
        wanted: "user@host:port/dbname" as the project asked, password never.
        via: "sqlalchemy", a driver's name, or "socket".
        outcome: "redirected", "refused", "failed", or "elsewhere" for a database that isn't PostgreSQL.
        reason: why it was refused; the dialect's name for "elsewhere".
    """

    wanted: str
    via: str
    outcome: str
    reason: str = ""
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One revision's upgrade.

    Attributes:
        outcome: "applied", "failed" or "interrupted".
        pid: of the process that took it.
        began_at, ended_at: seconds since the epoch by that process's clock; the version row comes after.
    """

    revision: str
    down_revisions: tuple[str, ...]
    location: Location | None
    outcome: str
    duration_ms: float
    pid: int = 0
    began_at: float = 0.0
    ended_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision file as Alembic itself read it."""

    revision: str
    down_revisions: tuple[str, ...]
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Context:
    """What env.py configured, read from Alembic in the command's own process.

    Attributes:
        version_table_schema: "" when env.py names none.
        schema_seen: where the command's own connection found the version table, "" if it could not be asked.
        heads: of the scripts.
        current: rows of the version table when the migrations began.
        destination: what the command was asked for, as Alembic resolved it; may be empty.
        as_sql: offline mode, which prints SQL and applies nothing.
    """

    version_table: str
    version_table_schema: str
    heads: tuple[str, ...]
    current: tuple[str, ...]
    transaction_per_migration: bool
    destination: tuple[str, ...] = ()
    as_sql: bool = False
    revisions: tuple[Revision, ...] = ()
    schema_seen: str = ""

    @property
    def schema(self) -> str:
        """Return the version table's schema as far as it is known."""
        return self.version_table_schema or self.schema_seen


@dataclass(frozen=True, slots=True)
class Failure:
    """The exception that ended the command.

    Attributes:
        type: qualified class name.
        phase: "env" (env.py or what it imports), "graph" (Alembic's scripts), "revision", "command"; "survey" for one
            that ended a revision there and not the command.
        error: the server's error behind it, if any.
    """

    type: str
    text: str
    phase: str
    revision: str = ""
    location: Location | None = None
    error: PgError | None = None
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """What one run of the command did.

    Attributes:
        exit_status: of the command, negative for a signal, None when it ran out of time.
        output_tail: the last lines of what it printed.
        probe_loaded: the probe said hello, so what is not in the trace did not happen in a Python process.
        kernel_guard: the kernel guarded the command's processes, by TCP and by Unix socket, or they had no network.
        log: errors and notices of the throw-away server while the command ran.
        waiting_on: "query A waits for query B" lines, when the command ran out of time on a lock.
        believed: revisions that Alembic took the version table to hold at the end, one tuple a context that got there.
        probe_faults: what went wrong in the probe itself; with one there is no verdict.
        fingerprints: what the command's own connections saw of the prepared database's token, one a migration run.
        warnings: of Alembic's about the scripts, "Revision X is present more than once".
        schema: what each revision changed, where the run was asked for it: `history.records.changes_of` reads it.
        modules: absolute paths of the project's own modules that were loaded, where the run was asked for its schema.
        kernel_guards: which of the two were on, "tcp" and "unix".
        flags: what the operations of the project's Alembic take, "create_table.if_not_exists",
            "batch.add_column.if_not_exists"; of a survey only.
        scripts: every revision file that Alembic read, in its order, where their graph is broken or an id stands in
            several of them; else nothing.
        commits: those that SQLAlchemy asked for.
        children: its first process started another one after it had asked for a connection.
    """

    exit_status: int | None
    output_tail: tuple[str, ...]
    probe_loaded: bool
    kernel_guard: bool
    contexts: tuple[Context, ...]
    connections: tuple[Connection, ...]
    statements: tuple[Statement, ...]
    steps: tuple[Step, ...]
    failures: tuple[Failure, ...]
    log: tuple[LogRecord, ...]
    duration_s: float
    libraries: Mapping[str, str] = field(default_factory=dict)
    waiting_on: tuple[str, ...] = ()
    believed: tuple[tuple[str, ...], ...] = ()
    probe_faults: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    schema: tuple[Mapping[str, Any], ...] = ()
    modules: tuple[str, ...] = ()
    kernel_guards: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    scripts: tuple[Revision, ...] = ()
    commits: tuple[CommitCall, ...] = ()
    children: bool = False


# --- what the tool was asked, and what it says ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that a project has agreed to live with for a time, see `waivers`.

    Attributes:
        until: the last day that it holds, "2027-01-31".
        revision: only findings of this one, "" for all.
        match: only findings whose message has this text, "" for all.
    """

    check: str
    reason: str
    until: str
    revision: str = ""
    match: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What one `run` was asked to do; the names are those of the flags, with "_" for "-".

    Attributes:
        dump: "" with from_url.
        from_url: production's own URL, to take a snapshot of.
        max_dump_age: days, 0 for no limit.
        from_base: build the history on an empty database beside the rehearsal, to say where an object comes from.
        remedies: when something fails, try on copies what would mend it; needs `from_base`.
        directory: the project's root, where the command starts.
        config: path of alembic.ini, "" for Alembic's own default.
        name: section of the configuration file, Alembic's `-n`.
        x: `-x` arguments, in order.
        command: what to run instead of `alembic upgrade TARGET`, as one shell-like line.
        at: revisions to write into the version table of the restored database; empty to take the dump's.
        timeout: seconds that the rehearsed command may take.
        allow_port: TCP ports that the command may reach besides 53, 80 and 443.
        app_image: the application's image, which the command runs in; "" to run it on this machine.
        app_directory: where it starts there, "" for the image's own WORKDIR.
        app_env: "NAME=VALUE", or "NAME" for a variable of this process.
        fail_on: the least severity that blocks: "error", "warning" or "note".
        severity: "check=level", level being "off", "note", "warning" or "error".
        waivers: of the configuration file.
        base: commit or branch of git that the revision files are compared with, "" for none.
        divergence: "auto", "on" or "off": whether the upgraded production is compared with the schema from base.
        baseline: path of the file with the differences that are known, "" for none.
        idempotence: the highest grade whose absence blocks: "off", "retryable", "race-safe" or "repeatable".
        instances: how many upgrades at once are tried; 1 for no such trial.
    """

    dump: str
    directory: str = "."
    config: str = ""
    name: str = ""
    x: tuple[str, ...] = ()
    target: str = "head"
    command: str = ""
    python: str = ""
    postgres: str = "auto"
    postgres_image: str = ""
    role: str = ""
    platform: str = ""
    database_name: str = ""
    at: tuple[str, ...] = ()
    include_data: tuple[str, ...] = ()
    allow_port: tuple[int, ...] = ()
    timeout: float = 600.0
    keep: bool = False
    from_url: str = field(repr=False, default="")
    max_dump_age: float = 0.0
    app_image: str = ""
    app_directory: str = ""
    app_env: tuple[str, ...] = field(repr=False, default=())
    fail_on: str = "error"
    severity: tuple[str, ...] = ()
    idempotence: str = "retryable"
    instances: int = 3
    from_base: bool = True
    remedies: bool = True
    base: str = ""
    waivers: tuple[Waiver, ...] = ()
    divergence: str = "auto"
    baseline: str = ""


@dataclass(frozen=True, slots=True)
class AppImage:
    """The application's image, where the project is found and its command runs.

    Attributes:
        name: as the user gave it.
        id: "sha256:...", what the name stood for when the run began.
        environ: the image's own variables and those that the user adds, before they are led to the throw-away server.
        checkout: the project's directory in this repository, where the report's paths begin.
    """

    name: str
    id: str
    checkout: str
    environ: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Project:
    """The project whose migrations are rehearsed.

    Attributes:
        root: absolute path of the directory that the command starts in.
        python: the project's interpreter, not resolved, so that its virtual environment is kept.
        found_by: how the interpreter was found, for the report.
        argv: the command.
        platform: "render", or "" when no platform is known.
        image: where all of these paths are; None for this machine.
    """

    root: str
    python: str
    found_by: str
    argv: tuple[str, ...]
    platform: str = ""
    image: AppImage | None = None

    @property
    def checkout(self) -> str:
        """Return the directory on this machine that the project's sources are in."""
        return self.root if self.image is None else self.image.checkout


@dataclass(frozen=True, slots=True)
class Migrator:
    """The role that the command runs as.

    Attributes:
        why: how it was chosen, for the report.
    """

    role: str
    is_superuser: bool
    why: str


@dataclass(frozen=True, slots=True)
class Readback:
    """What a new connection saw in the rehearsed database after the command had ended.

    Attributes:
        fingerprint_found: the database is the one that was prepared, not another.
        fingerprint_seen: no migration run of the command's saw that it was in another database.
        version_tables: as they are now.
        committed: "kind identity" of every catalog object written since the start and still there.
        unfinished: the part of `committed` that was written after the version table was last written.
    """

    fingerprint_found: bool
    version_tables: tuple[VersionTable, ...]
    committed: tuple[str, ...]
    unfinished: tuple[str, ...]
    fingerprint_seen: bool = True


@dataclass(frozen=True, slots=True)
class Since:
    """What git says became of the revision files since a commit, see `since`.

    Attributes:
        ref: as the user named it.
        commit: the one that was compared with: where the branch has left `ref`.
        parents: revision -> what it built on there, for each that the commit has.
        edited: revision -> what its file does otherwise now, "upgrade()", "down_revision".
    """

    ref: str
    commit: str
    parents: Mapping[str, tuple[str, ...]]
    edited: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Relation:
    """What stands in production's schema under a name that a revision wanted.

    Attributes:
        kind: "table", "index", "sequence", "view", "unique constraint", "enum type", ...
        detail: one line more, "on table public.users", "owned by app"; may be "".
    """

    kind: str
    identity: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A commit at which the deploy was made to die, and what the next one made of it.

    Attributes:
        number: of the commit in the run, from 1.
        revision: that was committed in part.
        location: of the statement that the commit came with, or of the last one before it.
        sql: that statement.
        inside: the statement commits in parts and had not ended, as CREATE INDEX CONCURRENTLY or a procedure.
        left: "kind identity" of what was committed and is not recorded in the version table.
        version_rows: of the version tables at that point.
        state: digest of the facts and the version rows at that point.
        outcome: of the next upgrade: "same" (as undisturbed), "rows" (the same but for the number of rows), "differs",
            "failed", "hindered" (by something that has nothing to do with what is there), "ran out of time"; "not
            reached" where the command took another way this time.
        error: the server's error that it failed with.
        failed_sql, failed_at: the statement that failed, and its place.
        says: why it failed, where no error of the server's is known.
        differences: what it has left otherwise than the undisturbed one, line by line.
        flags: as `Trace.flags`, of an upgrade that failed.
    """

    number: int
    revision: str
    location: Location | None
    sql: str
    inside: bool
    outcome: str
    left: tuple[str, ...] = ()
    version_rows: tuple[str, ...] = ()
    state: str = ""
    error: PgError | None = None
    failed_sql: str = ""
    failed_at: Location | None = None
    says: str = ""
    differences: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cuts:
    """The places of an upgrade where a deploy can die half-way through a revision.

    Attributes:
        tried: those that were tried, in the order of their commits.
        untried: sentences on what was not tried, and why.
    """

    tried: tuple[Cut, ...] = ()
    untried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the checks judge.

    Attributes:
        survey: the run that went on past each failure, None when the true run did not fail.
        tables: the version table of each context of the trace, None where production has no such table.
        present: name in an error's message -> what production has under that name.
        bare: qualified names of the tables that have no row in the restored database, and may have in production.
        needs: what the revisions ask of the rows of `bare` tables -> "" where its query runs on production's schema,
            "moot" where nothing can be in the way, else the SQLSTATE that the query ends with.
        left: what the upgrade has left in the catalogs although nobody wants it there, see `aftermath`.
        address: "host:port" of the throw-away server, as the command knows it.
        filled: the tables among `present` that have rows in the restored database.
        history: the schema that the revisions make from base, None when the upgrade did not fail.
        alone: what the pending revisions make of production without what is in their way, where `history` ends early.
        upgraded: the facts after an upgrade that went through, where something in it was skipped.
        production: the facts of production's schema, where `history` is there.
        surveyed: the facts at the end of the survey: what would be there if each failing operation were skipped.
        again: what came of trying the upgrade once more on copies, where it went through.
        lines: path of a revision file that a check may point to -> name of its variable -> line.
        since: what became of the revision files since `options.base`, None where none was named.
        drift: what production's schema has otherwise than from base; None where that was not compared.
        privileges: who may use what after an upgrade that went through.
    """

    options: Options
    project: Project
    dump: DumpInfo
    restored: Restored
    tables: tuple[VersionTable | None, ...]
    migrator: Migrator
    trace: Trace
    survey: Trace | None
    readback: Readback
    present: Mapping[str, tuple[Relation, ...]]
    filled: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    needs: Mapping[Any, str] = field(default_factory=dict)
    left: tuple[Relation, ...] = ()
    address: str = ""
    history: History | None = None
    alone: History | None = None
    upgraded: Facts | None = None
    production: Facts | None = None
    surveyed: Facts | None = None
    again: Again | None = None
    lines: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    since: Since | None = None
    drift: Drift | None = None
    privileges: Privileges | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which production's schema is not what the revisions make of an empty database.

    Attributes:
        sort: "missing" where only the revisions make it, "extra" where only production has it, "changed", "renamed".
        kind: "table", "column", "index", ...
        identity: production's name for it, schema and table included; of what is missing the history's.
        attribute: what has another value in a changed one, "type" for instance.
        production: the value in production; of a renamed one the name there.
        wanted: what it is from base.
        origin: the revision that is behind the wanted side, or that none is.
        text: all of that as one line.
        known: the baseline has it.
    """

    sort: str
    kind: str
    identity: str
    attribute: str
    production: str
    wanted: str
    origin: str
    text: str
    known: bool = False


class Blame(enum.Enum):
    """What a pending revision has to do with a difference; the value is how a line of the report ends."""

    NOT_DONE = "production is as it was before"
    OTHER_SHAPE = "production had one already, and it stays as it was"
    LOST = "production had it before the upgrade"
    LEFT_OVER = "it was to go, and is still there"
    OTHER_START = "it was different before, and stays as it was"
    MADE_OTHERWISE = "the upgrade makes it otherwise on production than from base"
    FOLLOWS = "it follows from what was different before"
    OTHER_NAME = "only the name is different"


@dataclass(frozen=True, slots=True)
class Departure:
    """A difference that was not there before the upgrade.

    Attributes:
        revision: the pending one that it is about, "" if none is.
        place: where that revision speaks of it.
    """

    difference: Difference
    blame: Blame
    revision: str
    place: Location | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """What production's schema has otherwise than the revisions make it.

    Attributes:
        before: what it had so before the upgrade.
        departures: what is so since the upgrade.
        at: production's revisions before it.
        baseline: the file that known differences were read from, "" without one.
        gone: entries of the baseline that production doesn't have any more, a line each.
        why: the reason why nothing could be compared, "" if it was.
    """

    before: tuple[Difference, ...] = ()
    departures: tuple[Departure, ...] = ()
    at: tuple[str, ...] = ()
    baseline: str = ""
    gone: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Deprived:
    """Rights that a role does not have after the upgrade.

    Attributes:
        role: its name, "PUBLIC" for everybody.
        kind: "table", "view", "column", "sequence", "schema", "function", "type", ...
        identity: quoted where SQL would be.
        privileges: "SELECT", "INSERT", ...
        new: the upgrade made the object, and the role has them on each other of the schema; else it had them before.
        schema: of a new object.
        grant: the statement that gives them.
        tried: the migrating role could give them.
    """

    role: str
    kind: str
    identity: str
    privileges: tuple[str, ...]
    new: bool
    schema: str = ""
    grant: str = ""
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Privileges:
    """Who may use what after the upgrade, against before.

    Attributes:
        known: production's schema, as the dump has it, gives rights to other roles than owners.
    """

    known: bool
    deprived: tuple[Deprived, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an operation fails on production.

    Attributes:
        id: of the diagnosis, kebab-case.
        message: one sentence.
        evidence: lines that back it.
        comparison: what is there against what is wanted, line by line.
        revision: the one that the cause is about: whose schema production has exactly, or who made the object.
        other_name: what production calls the object.
    """

    id: str
    message: str
    evidence: tuple[str, ...] = ()
    comparison: tuple[str, ...] = ()
    revision: str = ""
    other_name: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """What a remedy changes in one file.

    Attributes:
        path: relative to the project's root, with "/"; absolute for a file outside it.
        before: the file's text with its newlines, "" for a new file.
        after: what it becomes.
    """

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of carrying a remedy out on copies.

    Attributes:
        outcome: "passed", "failed" or "not tried".
        on: where it passed: "production's schema", "an empty database".
        reason: why it failed or was not tried.
    """

    outcome: str
    on: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to make the upgrade pass.

    Attributes:
        kind: "guard", "reconcile", "rename", "stamp", "merge", "renumber".
        text: one sentence.
        patch: the files that it changes.
        diff: the same as a unified diff.
        command: what it takes instead of a patch, "alembic stamp REVISION".
        notes: what to know before it is applied.
    """

    kind: str
    text: str
    trial: Trial
    patch: tuple[Edit, ...] = ()
    diff: str = ""
    command: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the report says about the upgrade.

    Attributes:
        check: id of the check, kebab-case.
        message: one sentence, with revision, relation and SQLSTATE.
        evidence: lines that back it.
        fix: what to do, ready to paste where it can be.
        sql: the statement, shortened to its first lines.
        conditional_on: True when it was seen only because the survey went on past an earlier failure.
        folded: messages of failures that this one entails.
        error: the server's error that it is about.
        cause: why it fails, where the evidence shows it.
        remedies: what was tried against it, the best first; of several findings that one remedy mends, under the first.
        waived: why it weighs nothing although it was found.
        weighed: the severity that it has by itself, where the project's own settings gave it another; else "".
    """

    check: str
    severity: Severity
    message: str
    evidence: tuple[str, ...] = ()
    fix: str = ""
    location: Location | None = None
    revision: str = ""
    sqlstate: str = ""
    sql: str = ""
    conditional_on: bool = False
    folded: tuple[str, ...] = ()
    error: PgError | None = None
    cause: Cause | None = None
    remedies: tuple[Remedy, ...] = ()
    waived: Waiver | None = None
    weighed: str = ""


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """One pending revision in the report.

    Attributes:
        outcome: "applied", "rolled back", "failed", "half-applied", "not reached".
        duration_ms: None when it did not run.
    """

    revision: str
    message: str
    outcome: str
    duration_ms: float | None
    down_revisions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What every reporter prints.

    Attributes:
        from_revisions: in production, as the dump says.
        to_revisions: in the rehearsed database after the run.
        state_left: sentences: what production would be left with.
        notes: what was done otherwise than asked, or left out.
        not_tested: what a pass does not say.
        timings: step -> seconds.
        kernel_guards: which of the two were on, "tcp" and "unix".
        image: the application's image that the command ran in; "" for this machine.
        drift: what production's schema had otherwise than from base before the upgrade; None where it was not compared.
    """

    verdict: Verdict
    command: tuple[str, ...]
    python: str
    dump: DumpInfo | None
    server: Offer | None
    migrator: Migrator | None
    kernel_guard: bool
    from_revisions: tuple[str, ...] = ()
    to_revisions: tuple[str, ...] = ()
    revisions: tuple[RevisionLine, ...] = ()
    findings: tuple[Finding, ...] = ()
    state_left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    not_tested: tuple[str, ...] = ()
    output_tail: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    kernel_guards: tuple[str, ...] = ()
    image: str = ""
    drift: tuple[Difference, ...] | None = None
