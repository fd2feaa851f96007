"""Go on past each failing statement, so that one run shows everything that would fail.

A savepoint stands after every good statement; an error rolls back to it, is recorded, and the migration goes on as
if the statement had succeeded with an empty result. The savepoint stays, so that it also catches what a raw
cursor or COPY breaks outside SQLAlchemy: that ends the migration function, but not the survey.
"""

from __future__ import annotations

import time

from . import control, graph, pgerrors, report
from .attribution import Place, of_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SAVEPOINT = "alembic_rehearsal"
# Connections with a savepoint of ours that still exists, by id; and all that a revision used.
_guarded: set[int] = set()
_used: dict[int, Any] = {}


def execute(
    run: Any, call: tuple[Any, ...], raw: Any, status: str, place: Place
) -> tuple[bool, BaseException | None, float]:
    """Run one statement as `run(*call)`; return whether its error was passed over, the error, and when it began.

    Raises:
        Exception: that of the driver, for a statement that the survey leaves alone.
    """
    statement, context = call[1], call[-1]
    ours = bool(place.revision) or graph.running()
    started = time.perf_counter()
    if raw is None or not ours or control.is_control(statement) or _in_nested(context):
        _guarded.discard(id(raw))
        run(*call)
        return False, None, started
    _used[id(raw)] = raw
    wrapped = status != "autocommit" and _guard(raw, status)
    started = time.perf_counter()
    try:
        run(*call)
    except Exception as error:
        if pgerrors.fields(error) is None or not _recover(raw, wrapped):
            raise
        _substitute(call, context)
        return True, error, started
    if wrapped and transaction_open(raw):
        _command(raw, "SAVEPOINT " + SAVEPOINT)
    return False, None, started


def hook(migration: Any) -> None:
    """Let a version row that doesn't match pass: an earlier statement on it may have been skipped."""
    from functools import wraps

    cls = migration.HeadMaintainer
    for name in ("_insert_version", "_delete_version", "_update_version"):
        original = getattr(cls, name)

        @wraps(original)
        def tolerant(self: Any, *values: Any, _original: Any = original) -> Any:
            try:
                return _original(self, *values)
            except Exception as error:
                if pgerrors.qualified(error) != "alembic.util.exc.CommandError":
                    raise
                _stopped(error, graph.current_step() or {})

        setattr(cls, name, tolerant)


def tell_flags() -> None:
    """Report which of Alembic's operations here have IF [NOT] EXISTS: that differs from version to version."""
    from alembic.operations import BatchOperations, Operations

    report.emit(
        "flags",
        names=[
            prefix + name + "." + flag
            for prefix, cls in (("", Operations), ("batch.", BatchOperations))
            for name in dir(cls)
            if name.startswith(("create_", "drop_", "add_"))
            for flag in ("if_exists", "if_not_exists")
            if _takes(getattr(cls, name), flag)
        ],
    )


def _takes(operation: Any, flag: str) -> bool:
    """Whether *operation* has *flag*; one that takes it among its further keywords has it in its documentation."""
    from inspect import signature

    parameters = signature(operation).parameters
    return flag in parameters or ":param %s:" % flag in (operation.__doc__ or "")


def step(original: Any, fields: dict[str, Any], values: Any, options: Any) -> bool:
    """Call a migration function; if it raises, record that, restore the transaction, and return False."""
    try:
        original(*values, **options)
    except Exception as error:
        _stopped(error, fields)
        for raw in list(_used.values()):
            _recover(raw, wrapped=True)
        return False
    return True


def _stopped(error: BaseException, fields: dict[str, Any]) -> None:
    place = of_error(error)
    here = place.fields() if place.revision else {"path": fields.get("path", ""), "line": None, "function": ""}
    report.emit(
        "survey-stopped",
        revision=fields.get("revision", ""),
        text=str(error)[: report.SQL_LIMIT],
        type=pgerrors.qualified(error),
        error=pgerrors.fields(error),
        **here,
    )


def transaction_open(raw: Any) -> bool:
    """Whether *raw* is in a transaction that works."""
    from .statements import transaction_status

    return transaction_status(raw) == "open"


def _guard(raw: Any, status: str) -> bool:
    """Have a savepoint to go back to; the first statement of a transaction begins it with this one.

    Return False in a transaction that has failed already: the statement will say so.
    """
    if status == "none" or id(raw) not in _guarded:
        if status == "failed":
            return False
        _command(raw, "SAVEPOINT " + SAVEPOINT)
        _guarded.add(id(raw))
    return True


def _recover(raw: Any, wrapped: bool) -> bool:
    """Go back to the savepoint of the transaction; return whether statements can follow.

    Not every driver knows that a transaction has failed; going back in one that works undoes nothing, since the
    savepoint stands behind the last good statement.
    """
    from .statements import transaction_status

    status = transaction_status(raw)
    if not wrapped or status in ("none", "autocommit"):
        _guarded.discard(id(raw))
        return True
    if id(raw) not in _guarded:
        return status != "failed"
    try:
        _command(raw, "ROLLBACK TO SAVEPOINT " + SAVEPOINT)
    except Exception:
        _guarded.discard(id(raw))  # the statement had ended the transaction by itself
        return False
    return True


def forget(raw: Any) -> None:
    """Take note that the transaction of *raw* ends, and its savepoints with it."""
    _guarded.discard(id(raw))


def _command(raw: Any, text: str) -> None:
    cursor = raw.cursor()
    try:
        cursor.execute(text)
    finally:
        cursor.close()


def _substitute(call: tuple[Any, ...], context: Any) -> None:
    """Give a statement that should have returned rows an empty result, so that fetching works."""
    columns = control.columns(call[1], context)
    if columns is None:
        return
    names = ", ".join('NULL AS "%s"' % c.replace('"', '""').replace("%", "%%") for c in columns)
    cursor = call[0]
    try:
        cursor.execute("SELECT {} WHERE false".format(names))
    except Exception as error:
        report.emit("survey-note", text="no empty result: {}".format(error))


def _in_nested(context: Any) -> bool:
    """Whether the migration itself stands in a savepoint: it means to handle an error, as it would in production."""
    connection = getattr(context, "root_connection", None)
    asked = getattr(connection, "in_nested_transaction", None)
    if asked is not None:
        return bool(asked())
    transaction = getattr(connection, "_Connection__transaction", None)
    return type(transaction).__name__ == "NestedTransaction"
