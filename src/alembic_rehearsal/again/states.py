"""A database as far as two upgrades of the same schema have to agree on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alembic_rehearsal import catalog, readback
from alembic_rehearsal.catalog import Facts
from alembic_rehearsal.lab import Lab
from alembic_rehearsal.model import VersionTable

_MOST = 8
_COUNT = "SELECT count(*) FROM %I.%I"


@dataclass(frozen=True, slots=True)
class State:
    """What is there.

    Attributes:
        rows: qualified name of a table that has rows -> how many; version tables left out.
    """

    facts: Facts
    tables: tuple[VersionTable, ...]
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def recorded(self) -> dict[tuple[str, str], frozenset[str]]:
        """Return the rows of each version table."""
        return {(table.schema, table.name): frozenset(table.rows) for table in self.tables}

    @property
    def version_rows(self) -> tuple[str, ...]:
        """Return the rows of all version tables, sorted."""
        return tuple(sorted(row for table in self.tables for row in table.rows))

    @property
    def digest(self) -> str:
        """Return one line that stands for the schema and the version rows."""
        rows = sorted(f"{table.schema}.{table.name}={row}" for table in self.tables for row in table.rows)
        return f"{catalog.digest(self.facts)[:16]} {' '.join(rows)}"


def of(lab: Lab) -> State:
    """Read the database under production's name."""
    return with_rows(lab, catalog.read(lab.admin), readback.version_tables_of(lab.admin))


def with_rows(lab: Lab, facts: Facts, tables: tuple[VersionTable, ...]) -> State:
    """Read what else there is in the database under production's name, whose *facts* and version *tables* are known."""
    own = {f"{table.schema}.{table.name}" for table in tables}
    rows = {name: count for name, count in readback.of_filled(lab.admin, _COUNT).items() if name not in own}
    return State(facts, tables, rows)


def differences(now: State, wanted: State) -> tuple[str, ...]:
    """Say line by line how the schema and the version rows after a second try differ from an undisturbed upgrade's."""
    diff = catalog.difference(now.facts, wanted.facts)
    lines = catalog.sentences(diff, before="after the second try", after="undisturbed")
    if now.recorded != wanted.recorded:
        there, right = (", ".join(each.version_rows) or "none" for each in (now, wanted))
        lines = (f"version rows: {there} after the second try, {right} undisturbed", *lines)
    return catalog.first_lines(lines, _MOST)


def row_differences(now: State, wanted: State) -> tuple[str, ...]:
    """Say which tables of *wanted* have another number of rows."""
    return tuple(
        f"table {name}: {now.rows.get(name, 0)} rows after the second try, {count} undisturbed"
        for name, count in wanted.rows.items()
        if now.rows.get(name, 0) != count
    )[:_MOST]
