"""Listen to SQLAlchemy: connections are made on the throw-away server, statements are timed and reported.

All listeners are registered on the Engine class as soon as SQLAlchemy is imported, so before any of the project.
"""

from __future__ import annotations

from . import gate, report, statements
from .attribution import here
from .redirect import Attempt, kept, mark, number_of, target, wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The name of the parameter for the database, by driver; the others take libpq's "dbname".
_DATABASE = {"asyncpg": "database", "pg8000": "database", "psycopg2": "dbname", "psycopg": "dbname"}
_DRIVERS = frozenset(
    "psycopg2 psycopg2cffi psycopg psycopg_async psycopgasync asyncpg pg8000 pygresql pypostgresql".split()
)


def listen(sqlalchemy: Any) -> None:
    """Register the listeners."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    report.emit("library", name="sqlalchemy", version=str(sqlalchemy.__version__))
    if event.contains(Engine, "do_connect", do_connect):
        return
    for name, function in (
        ("do_connect", do_connect),
        ("do_execute", statements.do_execute),
        ("do_execute_no_params", statements.do_execute_no_params),
        ("do_executemany", statements.do_executemany),
    ):
        event.listen(Engine, name, function)
    if gate.survey():
        watch_transactions()
    else:
        _watch_commits()


def watch_transactions() -> None:
    """Follow transactions: a survey has to know which of its savepoints are gone."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    for name, function in (
        ("begin", begin),
        ("commit", commit),
        ("rollback", rollback),
        ("set_connection_execution_options", options),
    ):
        event.listen(Engine, name, function)


def _watch_commits() -> None:
    """Report commits without a listener of a Connection's event: one has SQLAlchemy ask all of them at each statement.

    The dialects for PostgreSQL leave the method as it is, from SQLAlchemy 1.3 to 2.1.
    """
    from functools import wraps

    from sqlalchemy.engine.default import DefaultDialect

    original = DefaultDialect.do_commit

    @wraps(original)
    def do_commit(self: Any, connection: Any) -> Any:
        if statements.is_postgresql(self) and not gate.survey():
            _tell(connection, "commit")
        return original(self, connection)  # type: ignore[no-untyped-call]

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]


def do_connect(dialect: Any, _record: Any, arguments: Any, parameters: Any) -> Any:
    """Return a connection of the engine's own dialect to the throw-away server, None for other databases.

    Because it returns one, listeners of the project (tokens of a cloud's login) are not called:
    https://docs.sqlalchemy.org/en/20/core/events.html#sqlalchemy.events.DialectEvents.do_connect
    """
    driver = str(getattr(dialect, "driver", ""))
    if driver not in _DRIVERS:
        _elsewhere(dialect, parameters)
        return None
    from . import dsn

    asked = dict(parameters)
    if arguments and isinstance(arguments[0], str) and arguments[0]:
        asked = dict(dsn.parse(arguments[0]), **asked)
    attempt = Attempt("sqlalchemy", asked)
    if not getattr(dialect, "is_async", False):
        with attempt:
            connection = dialect.connect(**_there(asked, driver))
    else:
        # Other tasks of this thread run while this one waits, so the thread must not be marked.
        try:
            connection = dialect.connect(**_there(asked, driver))
        except BaseException as error:
            attempt.failed(error)
            raise
    attempt.made(connection)
    return connection


def _there(asked: dict[str, Any], driver: str) -> dict[str, Any]:
    return dict(_marked(kept(asked), driver), **target(_DATABASE.get(driver, "dbname")))


def _marked(parameters: dict[str, Any], driver: str) -> dict[str, Any]:
    if driver == "asyncpg":
        settings = dict(parameters.get("server_settings") or {})
        return dict(parameters, server_settings=mark(settings))
    # The wrapper of pg8000 knows whether that version takes an application name.
    return parameters if driver.startswith("pg") or driver == "pypostgresql" else mark(parameters)


def _elsewhere(dialect: Any, parameters: dict[str, Any]) -> None:
    place = here()
    report.emit(
        "connect",
        via="sqlalchemy",
        dialect=str(getattr(dialect, "name", "")),
        wanted=wanted(parameters),
        outcome="elsewhere",
        connection=None,
        revision=place.revision,
        **place.fields(),
    )


def begin(connection: Any) -> None:
    """Report a transaction that SQLAlchemy begins."""
    _transaction(connection, "begin")


def commit(connection: Any) -> None:
    """Report a commit that is about to be sent."""
    _transaction(connection, "commit")


def rollback(connection: Any) -> None:
    """Report a rollback that is about to be sent."""
    _transaction(connection, "rollback")


def options(connection: Any, chosen: Any) -> None:
    """Report that a connection goes to autocommit."""
    if str(chosen.get("isolation_level", "")).upper() == "AUTOCOMMIT":
        _transaction(connection, "autocommit")


def _transaction(connection: Any, what: str) -> None:
    try:
        raw = _tell(connection.connection, what)
        from . import survey

        survey.forget(raw)
    except Exception as error:
        report.fault("transaction " + what, error)


def _tell(fairy: Any, what: str) -> Any:
    """Report that *what* is about to be sent, and return the driver's connection."""
    raw = statements.driver_connection(fairy)
    report.emit("transaction", connection=number_of(raw), what=what)
    return raw
