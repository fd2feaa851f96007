"""What `create_all()` with newer models leaves: tables that later revisions make, and no column in the older tables.

It makes every table that is not there, and changes none that is:
https://docs.sqlalchemy.org/en/20/core/metadata.html#sqlalchemy.schema.MetaData.create_all
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from alembic_rehearsal.causes._case import Case, parts


@dataclass(frozen=True, slots=True)
class Ahead:
    """How much of what revisions that production hasn't run make is in production.

    Attributes:
        tables: how many tables they make; `tables_there` of them are in production.
        columns: how many columns they add to tables that revisions before them made; `columns_there` as above.
    """

    tables: int
    tables_there: int
    columns: int
    columns_there: int

    @property
    def as_create_all_leaves_it(self) -> bool:
        """Say whether there are tables of later revisions, and of the columns for older tables none."""
        return bool(self.tables_there and self.columns and not self.columns_there)


def ahead(case: Case, revisions: Collection[str]) -> Ahead:
    """Return what there is of that which *revisions* make."""
    older = {
        key
        for change in case.history.changes
        if change.revision in case.applied
        for key in change.changed
        if key.kind in ("table", "column")
    }
    names = {parts(key.identity) for key in older if key.kind == "table"}
    made = {
        key
        for change in case.history.changes
        if change.revision in revisions
        for key in change.changed
        if key not in older
    }
    tables = {key for key in made if key.kind == "table"}
    columns = {key for key in made if key.kind == "column" and parts(key.identity)[:-1] in names}
    return Ahead(
        len(tables),
        sum(key in case.production for key in tables),
        len(columns),
        sum(key in case.production for key in columns),
    )
