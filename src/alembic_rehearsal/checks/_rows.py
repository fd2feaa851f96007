"""Failures that say nothing about production, because a table is empty only in the dump."""

from __future__ import annotations

import re

from alembic_rehearsal.checks import _names
from alembic_rehearsal.model import Evidence, PgError

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
    there = evidence.filled | evidence.restored.known_empty
    found = {relation for name in names for relation in evidence.present.get(name, ())}
    return tuple(sorted(each.identity for each in found if each.kind in _TABLES and each.identity not in there))


def option(tables: tuple[str, ...]) -> str:
    """Return the flags that take the rows of *tables* along."""
    return " ".join(f"--include-data {table}" for table in tables)
