"""The one error that a failed restore ends with: which statement, what the server said, and what helps."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from alembic_rehearsal.dump import names, refuse
from alembic_rehearsal.dump.names import IDENT, QUALIFIED
from alembic_rehearsal.dump.script import Statement
from alembic_rehearsal.errors import DumpError, RehearsalError, ServerError

_EXTENSION = re.compile(rb"CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?(" + IDENT + rb")", re.IGNORECASE)
_REFERENCES = re.compile(rb"\sREFERENCES\s+(" + QUALIFIED + rb")", re.IGNORECASE)
_ICU = re.compile(rb"\bprovider\s*=\s*'?icu\b|LOCALE_PROVIDER\s*=\s*'?icu\b", re.IGNORECASE)

_FOREIGN_KEY_VIOLATION = "23503"
_UNDEFINED_TABLE = "42P01"
_OF_AN_EXTENSION = ("42704", "42883")  # a type, an operator class; a function
_CONNECTION_FAILURES = ("08", "57")

# Images that have what PostgreSQL's own lacks; {} is the major version.
_IMAGES = {
    "vector": "pgvector/pgvector:pg{}",
    "postgis": "postgis/postgis:{}-3.5",
    "postgis_raster": "postgis/postgis:{}-3.5",
    "postgis_topology": "postgis/postgis:{}-3.5",
    "postgis_tiger_geocoder": "postgis/postgis:{}-3.5",
    "address_standardizer": "postgis/postgis:{}-3.5",
    "timescaledb": "timescale/timescaledb:latest-pg{}",
}


@dataclass
class Place:
    """Where in the dump the restore is, for messages.

    Attributes:
        script: "the dump", or what its lines are counted in.
        database: its name in the dump, when there are several.
        left_out: tables whose rows were left out so far.
    """

    script: str
    database: str = ""
    left_out: Collection[str] = field(default_factory=set)


def failed(statement: Statement, error: psycopg2.Error, place: Place, connection: Any) -> RehearsalError:
    """Return what to raise for a statement that the server refused."""
    code = error.pgcode or ""
    if connection.closed or not code or code.startswith(_CONNECTION_FAILURES):
        return ServerError(
            f"the throw-away server went away at line {statement.line} of {place.script}: {error}".strip()
        )
    extension = _EXTENSION.match(statement.text)
    if extension:
        return _missing_extension(statement, names.unquote(extension[1]), error, place, connection)
    primary = error.diag.message_primary or str(error).strip()
    detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    within = f", database {place.database}" if place.database else ""
    message = (
        f"line {statement.line} of {place.script}{within} failed with SQLSTATE {code}: {primary}{detail}\n"
        f"    {refuse.excerpt(statement.text)}"
    )
    return DumpError(message, fix=_way_out(statement, error, place, connection))


def _missing_extension(
    statement: Statement, name: str, error: psycopg2.Error, place: Place, connection: Any
) -> DumpError:
    major = connection.server_version // 10000
    image = _IMAGES.get(name)
    if image:
        fix = f"--postgres docker --postgres-image {image.format(major)} has it."
    else:
        fix = (
            f"--postgres docker has all that PostgreSQL itself brings (image postgres:{major}); for others name "
            "an image that has it: --postgres-image IMAGE"
        )
    return DumpError(
        f'the dump needs the extension "{name}" (line {statement.line} of {place.script}), which this PostgreSQL '
        f"{major} can't make: SQLSTATE {error.pgcode}: {error.diag.message_primary}",
        fix=fix,
    )


def _way_out(statement: Statement, error: psycopg2.Error, place: Place, connection: Any) -> str:
    if error.pgcode == _FOREIGN_KEY_VIOLATION:
        table = _referenced(statement, error, connection)
        if table:
            option = f"--include-data {table}"
            return f"The rows that were included refer to rows of {table}, which were left out. Add: {option}"
    if error.pgcode == _UNDEFINED_TABLE and statement.text[:4].upper() == b"COPY":
        return "The dump holds rows and not their tables: dump without --data-only."
    if place.database:
        return f"If it is not {place.database} that you rehearse, name the one: --database-name NAME"
    if error.pgcode in _OF_AN_EXTENSION:
        return (
            "If an extension brings it: pg_dump --schema leaves extensions out. Add --extension=NAME, or dump "
            "without --schema."
        )
    if _ICU.search(statement.text):
        return "This PostgreSQL is built without ICU. --postgres docker or --postgres local may have one with it."
    return ""


def _referenced(statement: Statement, error: psycopg2.Error, connection: Any) -> str:
    found = _REFERENCES.search(statement.text)
    if found:
        return names.dotted(names.split(found[1]))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, c.relname FROM pg_catalog.pg_constraint k"
            " JOIN pg_catalog.pg_class c ON c.oid = k.confrelid"
            " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
            " JOIN pg_catalog.pg_class o ON o.oid = k.conrelid"
            " JOIN pg_catalog.pg_namespace s ON s.oid = o.relnamespace"
            " WHERE k.conname = %s AND o.relname = %s AND s.nspname = %s",
            (error.diag.constraint_name, error.diag.table_name, error.diag.schema_name),
        )
        row = cursor.fetchone()
    return names.dotted(row) if row else ""
