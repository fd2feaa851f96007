"""Reading the server's own log: jsonlog from PostgreSQL 15 on, csvlog before."""

from __future__ import annotations

import csv
import io
import json
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2

from alembic_rehearsal.model import Endpoint, LogRecord

# Columns of a csvlog line that are read here, by position.
# https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-CSVLOG
_USER, _DBNAME, _PID, _SEVERITY, _SQLSTATE, _MESSAGE, _STATEMENT, _APPLICATION = 1, 2, 3, 11, 12, 13, 19, 22

WITNESSED = frozenset({"NOTICE", "WARNING", "ERROR", "FATAL", "PANIC"})
"""The severities that a rehearsal is told of."""


def log_format(major: int) -> str:
    """Return the log_destination that a server of this major version is started with."""
    return "jsonlog" if major >= 15 else "csvlog"


def file_name(major: int) -> str:
    """Return the log's name for log_filename=server.log: the collector replaces the suffix."""
    return "server.json" if major >= 15 else "server.csv"


def parse(raw: bytes, major: int) -> tuple[list[LogRecord], int]:
    """Return the records in `raw`, all severities, and how many bytes they took.

    A record whose end is not there yet stays unread.
    """
    return _parse_json(raw) if major >= 15 else _parse_csv(raw)


def flushed(admin: Endpoint, read: Callable[[int], bytes], since: int, major: int) -> tuple[list[LogRecord], int]:
    """Read the log from `since` to the line of a connection that is made now; also return that offset.

    The log goes through a pipe to the collector process, so a line may come after its statement's end.
    A server that can't be connected to is read as far as it got.
    """
    mark = f"rehearsal-mark-{secrets.token_hex(8)}"
    deadline = time.monotonic() + 5 if _leave_mark(admin, mark) else 0.0
    records: list[LogRecord] = []
    while True:
        fresh, size = parse(read(since), major)
        records += fresh
        since += size
        if any(record.application_name == mark for record in fresh) or time.monotonic() > deadline:
            return records, since
        time.sleep(0.002)


def _leave_mark(admin: Endpoint, mark: str) -> bool:
    """Have the server log a line with this application_name; False when it can't be asked."""
    try:
        connection = psycopg2.connect(
            **admin.kwargs(), application_name=mark, options="-c log_statement=all", connect_timeout=5
        )
    except psycopg2.Error:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        return False
    finally:
        connection.close()
    return True


def _parse_json(raw: bytes) -> tuple[list[LogRecord], int]:
    end = raw.rfind(b"\n") + 1
    records = []
    for line in raw[:end].splitlines():
        try:
            fields: dict[str, Any] = json.loads(line.decode(errors="replace"))
        except ValueError:
            continue
        records.append(
            LogRecord(
                severity=fields.get("error_severity", ""),
                sqlstate=fields.get("state_code", "00000"),
                message=fields.get("message", ""),
                statement=fields.get("statement", ""),
                dbname=fields.get("dbname", ""),
                user=fields.get("user", ""),
                application_name=fields.get("application_name", ""),
                backend_pid=fields.get("pid", 0),
            )
        )
    return records, end


def _parse_csv(raw: bytes) -> tuple[list[LogRecord], int]:
    end = _last_record_end(raw)
    rows: Iterator[list[str]] = csv.reader(io.StringIO(raw[:end].decode(errors="replace"), newline=""))
    records = [
        LogRecord(
            severity=row[_SEVERITY],
            sqlstate=row[_SQLSTATE],
            message=row[_MESSAGE],
            statement=row[_STATEMENT],
            dbname=row[_DBNAME],
            user=row[_USER],
            application_name=row[_APPLICATION],
            backend_pid=int(row[_PID] or 0),
        )
        for row in rows
        if len(row) > _APPLICATION
    ]
    return records, end


def _last_record_end(raw: bytes) -> int:
    """Return the offset behind the last newline that stands outside of quotes."""
    # A quote inside a quoted field is doubled, so parity alone tells whether a newline ends the record.
    end = position = quotes = 0
    for line in raw.split(b"\n")[:-1]:
        quotes += line.count(b'"')
        position += len(line) + 1
        if quotes % 2 == 0:
            end = position
    return end
