"""What the trials of `again` hand on."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_rehearsal.model import Location, PgError


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
class Again:
    """What came of running the upgrade once more.

    Attributes:
        cuts: None where no revision is committed in parts.
    """

    cuts: Cuts | None = None
