"""What every trial starts from: the lab, the true run, and what that run has left."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_rehearsal import catalog, readback
from alembic_rehearsal.catalog import Facts
from alembic_rehearsal.lab import Lab
from alembic_rehearsal.model import Endpoint, Trace, VersionTable

# A trial that hangs must not take as long as a deploy may.
_LEAST_S, _TIMES = 60.0, 10
_MOST = 8


@dataclass(frozen=True, slots=True)
class Ground:
    """The finished database as it was read before any trial.

    Attributes:
        trace: of the true run.
        finished: the facts that it left.
        tables: the version tables that it left.
        limit_s: how long the command may take in a trial.
    """

    lab: Lab
    trace: Trace
    finished: Facts
    tables: tuple[VersionTable, ...]
    limit_s: float


def ground(lab: Lab, trace: Trace, tables: tuple[VersionTable, ...]) -> Ground:
    """Read the database that the true run left, with its version *tables*; it stands under production's name."""
    limit_s = min(lab.options.timeout, max(_LEAST_S, _TIMES * trace.duration_s))
    return Ground(lab, trace, catalog.read(lab.admin), tables, limit_s)


def schema_differences(start: Ground, facts: Facts, now: str) -> tuple[str, ...]:
    """Return what *facts* have otherwise than the finished schema, in sentences; *now* names them, "after the race"."""
    diff = catalog.difference(start.finished, facts)
    return catalog.first_sentences(diff, _MOST, before="after one upgrade", after=now)


def row_differences(start: Ground, admin: Endpoint) -> tuple[str, ...]:
    """Return how the version rows in the database of *admin* differ from those that the true run left."""
    now = {(each.schema, each.name): each.rows for each in readback.version_tables_of(admin)}
    return tuple(
        f"{each.schema}.{each.name} is at {_named(now.get((each.schema, each.name), ()))}, not at {_named(each.rows)}"
        for each in start.tables
        if set(now.get((each.schema, each.name), ())) != set(each.rows)
    )


def _named(rows: tuple[str, ...]) -> str:
    return ", ".join(rows) or "no revision"
