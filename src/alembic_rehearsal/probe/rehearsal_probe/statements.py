"""Run each statement that SQLAlchemy sends, time it, and report it with the line that caused it."""

from __future__ import annotations

import os
import time

from . import gate, pgerrors, report
from .attribution import NOWHERE, Place, of_statement
from .redirect import number_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Put together by hand: a general encoder takes three times as long, and this is there for every statement.
_EVENT = (
    '{"event": "statement", "pid": %d, "at": %f, "seq": %d, "connection": %s, "sql": %s, %s, "transaction": "%s", '
    '"ms": %.3f, %s}\n'
)
_NOTHING_MORE = '"many": false, "skipped": false, "error": null'
_last = {"seq": 0}


def do_execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """Stand in for the dialect's own `do_execute`."""
    return _run("do_execute", cursor, statement, (parameters,), context)


def do_execute_no_params(cursor: Any, statement: str, context: Any) -> bool:
    """Stand in for the dialect's own `do_execute_no_params`."""
    return _run("do_execute_no_params", cursor, statement, (), context)


def do_executemany(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """Stand in for the dialect's own `do_executemany`."""
    return _run("do_executemany", cursor, statement, (parameters,), context)


def _run(method: str, cursor: Any, statement: str, parameters: tuple[Any, ...], context: Any) -> bool:
    """Do what SQLAlchemy would have done next, and return True: the statement has been executed.

    A database other than PostgreSQL is not ours to look at.
    """
    # SQLAlchemy 1.3 asks the server about itself with no context.
    dialect: Any = getattr(context, "dialect", None)
    if getattr(dialect, "name", "") != "postgresql" and not is_postgresql(dialect):
        return False
    listeners = getattr(dialect.dispatch, method)
    if len(listeners) > 1 and _other_listener_did(listeners, method, cursor, statement, parameters, context):
        return True
    execute = getattr(dialect, method)
    call = (cursor, statement, *parameters, context)
    raw, place, status = _before(context)
    started = time.perf_counter()
    skipped, passed_over = False, None
    try:
        if gate.survey():
            from . import survey

            skipped, passed_over, started = survey.execute(execute, call, raw, status, place)
        else:
            execute(*call)
    except Exception as error:
        _report(method, statement, raw, place, status, _ms(started), error)
        raise
    rows = _written(cursor, statement) if gate.survey() and passed_over is None else 0
    _report(method, statement, raw, place, status, _ms(started), passed_over, skipped, rows)
    return True


def is_postgresql(dialect: Any) -> bool:
    """Say whether *dialect* speaks to PostgreSQL or to what passes for it."""
    return str(getattr(dialect, "name", "")).startswith(("postgres", "cockroach", "redshift"))


def values(row: Any) -> tuple[Any, ...]:
    """Return a row's values: a project may have its driver make dictionaries of rows."""
    return tuple(row.values() if isinstance(row, dict) else row)


def driver_connection(fairy: Any) -> Any:
    """Return the DB-API connection inside SQLAlchemy's pool proxy, whose attribute changed its name in 1.4.24."""
    found = getattr(fairy, "dbapi_connection", None)
    return getattr(fairy, "connection", fairy) if found is None else found


def transaction_status(connection: Any) -> str:
    """Return what the driver knows without asking the server.

    "open": in a transaction; "failed": in one that an error has aborted; "none": the next statement begins
    one; "autocommit": the next statement stands alone.
    """
    try:
        number = connection.get_transaction_status()  # psycopg2
    except AttributeError:
        number = _libpq_status(connection)
    if number == 1 or number == 2:
        return "open"
    if number == 3:
        return "failed"
    # After a COMMIT in plain SQL psycopg2 (STATUS_BEGIN) and SQLAlchemy's adapter of asyncpg still believe in
    # the transaction that has ended, and begin no other.
    believes = getattr(connection, "status", 0) == 2 or getattr(connection, "_started", False)
    return "autocommit" if believes or getattr(connection, "autocommit", False) else "none"


def _libpq_status(connection: Any) -> int:
    """Return PQtransactionStatus: 0 idle, 1 active, 2 in a transaction, 3 in a failed one.

    Source: https://www.postgresql.org/docs/current/libpq-status.html#LIBPQ-PQTRANSACTIONSTATUS
    """
    for one in (connection, getattr(connection, "_connection", None)):
        libpq = getattr(one, "pgconn", None)  # psycopg
        if libpq is not None:
            return int(libpq.transaction_status)
        inside: Any = getattr(one, "is_in_transaction", None)  # asyncpg
        if inside is not None:
            return 2 if inside() else 0
    # pg8000 keeps the letter of the protocol's ReadyForQuery message.
    if getattr(connection, "_transaction_status", None) in (b"E", "E"):
        return 3
    begun = getattr(connection, "_in_transaction", getattr(connection, "in_transaction", False))
    return 2 if begun else 0


def _before(context: Any) -> tuple[Any, Place, str]:
    try:
        raw = driver_connection(context.root_connection.connection)
        return raw, of_statement(), transaction_status(raw)
    except Exception as error:
        report.fault("before a statement", error)
        return None, NOWHERE, "open"


def _other_listener_did(
    listeners: Any, method: str, cursor: Any, statement: str, parameters: tuple[Any, ...], context: Any
) -> bool:
    """Ask the project's own listeners, which SQLAlchemy would ask after this one."""
    own = globals()[method]
    return any(fn(cursor, statement, *parameters, context) for fn in listeners if fn is not own)


def _written(cursor: Any, statement: str) -> int:
    """Return how many rows *statement* has written, as far as the driver says so; a query counts those that it read."""
    from .control import writes

    return max(0, int(getattr(cursor, "rowcount", 0) or 0)) if writes(str(statement)) else 0


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _report(
    method: str,
    statement: str,
    raw: Any,
    place: Place,
    status: str,
    ms: float,
    error: BaseException | None = None,
    skipped: bool = False,
    rows: int = 0,
) -> None:
    try:
        _last["seq"] += 1
        more = _NOTHING_MORE
        many = method == "do_executemany"
        if skipped or many or rows or error is not None:
            found = None if error is None else pgerrors.fields(error) or _without_fields(error)
            more = report.quoted({"many": many, "skipped": skipped, "error": found, "rows": rows})[1:-1]
        report.append(
            _EVENT
            % (
                os.getpid(),
                time.time(),
                _last["seq"],
                "null" if raw is None else number_of(raw),
                report.text(str(statement)[: report.SQL_LIMIT]),
                place.json(),
                "none" if raw is None else "autocommit" if status == "autocommit" else "open",
                ms,
                more,
            )
        )
    except Exception as fault:
        report.fault("after a statement", fault)


def _without_fields(error: BaseException) -> dict[str, str]:
    """Describe an error that the driver raised by itself."""
    return {"sqlstate": "", "message": str(error)[:2000], "type": pgerrors.qualified(error)}
