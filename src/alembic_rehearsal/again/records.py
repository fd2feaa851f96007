"""What the trials of `again` hand on."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_rehearsal.model import Cuts, Location, PgError, Trace


@dataclass(frozen=True, slots=True)
class Second:
    """The command once more on the finished database.

    Attributes:
        trace: of that run.
        differences: what is otherwise in the schema after it, in sentences.
        rows: the same of the version rows.
        rewritten: "kind identity" of what it made anew or wrote again with the definition that it had.
    """

    trace: Trace
    differences: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """A place that says that migrations run when an instance starts.

    Attributes:
        text: the line.
        what: the field or the instruction, "startCommand", "CMD".
    """

    location: Location
    text: str
    what: str


@dataclass(frozen=True, slots=True)
class Race:
    """Several upgrades at once on one copy of production's schema.

    Attributes:
        instances: how many.
        met: how many of them had read the old revision and were about to run the first pending one.
        losers: the runs that did not end with success.
        differences: what is otherwise afterwards than after one upgrade alone, in sentences; version rows too.
        starts: where the project says that migrations run at an instance's start.
    """

    instances: int
    met: int
    losers: tuple[Trace, ...] = ()
    differences: tuple[str, ...] = ()
    starts: tuple[Start, ...] = ()

    @property
    def safe(self) -> bool:
        """Say whether nothing went wrong."""
        return not self.losers and not self.differences


@dataclass(frozen=True, slots=True)
class Operation:
    """A statement of a revision that is no no-op when it is run again.

    Attributes:
        error: the server's, None for one that went through and wrote rows.
        rows: how many it wrote.
    """

    location: Location | None
    sql: str
    error: PgError | None = None
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Repeated:
    """A revision that is no no-op when it is run again on the finished schema.

    Attributes:
        count: statements that it sent.
        changes: what else it did to the schema, in sentences.
        stopped: the exception that ended it, "" if it came to its end.
    """

    revision: str
    location: Location | None
    count: int
    operations: tuple[Operation, ...] = ()
    changes: tuple[str, ...] = ()
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Rerun:
    """Each pending revision run again on the finished schema.

    Attributes:
        tried: revisions that were run again.
        repeated: those of them that are no no-op.
        flags: as `Trace.flags`.
    """

    tried: tuple[str, ...]
    repeated: tuple[Repeated, ...] = ()
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Again:
    """What came of running the upgrade once more; None for a trial that was not made.

    Attributes:
        cuts: None also where no revision is committed in parts.
        untried: why a trial that was asked for was not made, a sentence each.
    """

    second: Second | None = None
    race: Race | None = None
    rerun: Rerun | None = None
    cuts: Cuts | None = None
    untried: tuple[str, ...] = ()
