"""Failures that say nothing about production, because a table is empty only in the dump."""

from __future__ import annotations

import re

from alembic_rehearsal.checks import _names
from alembic_rehearsal.model import Evidence, PgError, Relation

_DEFINITION = re.compile(r"\s*(ALTER|CREATE|DROP|COMMENT|GRANT|REVOKE)\b", re.IGNORECASE)
_TABLES = {"table", "partitioned table"}


def missing_for(evidence: Evidence, error: PgError, sql: str) -> tuple[str, ...]:
    """Return the tables whose missing rows explain *error*, empty when it stands on its own.

    A 23503 names the table that lacks the row in its detail. A 23502 of a data change comes from a subquery over
    such a table. An ALTER that meets NULLs met rows that are there.
    """
    if error.sqlstate == "23503" and not _DEFINITION.match(sql):
        return left_out(evidence, _names.quoted(PgError("", error.detail)))
    if error.sqlstate == "23502" and not _DEFINITION.match(sql):
        return left_out(evidence, _names.words(sql) - {error.table, error.column})
    return ()


def left_out(evidence: Evidence, names: frozenset[str]) -> tuple[str, ...]:
    """Return those of *names* that are tables of production whose rows the restored database lacks."""
    restored = evidence.restored
    if restored.has_data:
        return tuple(sorted(table for table in restored.rows_left_out if _names.unqualified(table) in names))
    version_tables = {f"{table.schema}.{table.name}" for table in restored.version_tables}
    found = (relation for name in names for relation in evidence.present.get(name, ()))
    return tuple(sorted(relation.identity for relation in found if _holds_rows(relation, version_tables)))


def _holds_rows(relation: Relation, version_tables: set[str]) -> bool:
    return relation.kind in _TABLES and relation.identity not in version_tables


def option(tables: tuple[str, ...]) -> str:
    """Return the flags that take the rows of *tables* along."""
    return " ".join(f"--include-data {table}" for table in tables)
