"""Wrap the connect functions of the drivers: for `creator=`, for pools and for raw use without SQLAlchemy."""

from __future__ import annotations

from . import dsn
from .redirect import Attempt, kept, mark, target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Parameters of psycopg.Connection.connect that are not libpq's.
_PSYCOPG_OWN = frozenset("autocommit prepare_threshold context row_factory cursor_factory".split())
_DONE = "_alembic_rehearsal"


def psycopg2(module: Any) -> None:
    """Replace `_connect`, through which `psycopg2.connect` goes once it has made one DSN of its arguments.

    psycopg2cffi is built the same way.
    """
    from importlib import import_module

    original = module._connect
    if getattr(original, _DONE, False):
        return
    # Not the attribute: a package that is imported again has none for submodules that are still there.
    extensions = import_module(module.__name__ + ".extensions")
    parse = getattr(extensions, "parse_dsn", dsn.parse)
    join, name = dsn.joined, module.__name__

    def _connect(dsn: str = "", connection_factory: Any = None, **options: Any) -> Any:
        asked = parse(dsn)
        attempt = Attempt(name, asked)
        with attempt:
            # libpq would try TLS first by itself; the throw-away server is on this machine and has none.
            there = dict(mark(kept(asked)), **target("dbname"), sslmode="disable")
            connection = original(join(there), connection_factory=connection_factory, **options)
        attempt.made(connection)
        return connection

    setattr(_connect, _DONE, True)
    module._connect = _connect


def psycopg(module: Any) -> None:
    """Wrap `Connection.connect` and `AsyncConnection.connect`, which pools and subclasses go through."""
    for cls in (module.Connection, module.AsyncConnection):
        original = cls.__dict__["connect"].__func__
        if not getattr(original, _DONE, False):
            wrap = _psycopg_async if cls is module.AsyncConnection else _psycopg_sync
            cls.connect = classmethod(wrap(original))
    module.connect = module.Connection.connect


def _psycopg_arguments(conninfo: str, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what libpq is asked for, and psycopg's own options."""
    from psycopg.conninfo import conninfo_to_dict

    own = {k: v for k, v in options.items() if k in _PSYCOPG_OWN}
    rest = {k: v for k, v in options.items() if k not in _PSYCOPG_OWN}
    asked = dict(conninfo_to_dict(conninfo, **rest))
    if "host" in rest:
        asked["host"] = rest["host"]  # the very object: it may be our mark
    return asked, own


def _psycopg_there(asked: dict[str, Any]) -> dict[str, Any]:
    return dict(mark(kept(asked)), **target("dbname"), sslmode="disable")


def _psycopg_sync(original: Any) -> Any:
    from functools import wraps

    @wraps(original)
    def connect(cls: Any, conninfo: str = "", **options: Any) -> Any:
        asked, own = _psycopg_arguments(conninfo, options)
        attempt = Attempt("psycopg", asked)
        with attempt:
            connection = original(cls, "", **_psycopg_there(asked), **own)
        attempt.made(connection)
        return connection

    setattr(connect, _DONE, True)
    return connect


def _psycopg_async(original: Any) -> Any:
    from functools import wraps

    @wraps(original)
    async def connect(cls: Any, conninfo: str = "", **options: Any) -> Any:
        asked, own = _psycopg_arguments(conninfo, options)
        attempt = Attempt("psycopg", asked)
        try:
            connection = await original(cls, "", **_psycopg_there(asked), **own)
        except BaseException as error:
            attempt.failed(error)
            raise
        attempt.made(connection)
        return connection

    setattr(connect, _DONE, True)
    return connect


def asyncpg(module: Any) -> None:
    """Wrap `asyncpg.connect`, also where the pool looks it up."""
    from functools import wraps

    original = module.connection.connect
    if getattr(original, _DONE, False):
        return

    @wraps(original)
    async def connect(dsn: Any = None, **options: Any) -> Any:
        asked, there = _asyncpg_arguments(dsn, options)
        attempt = Attempt("asyncpg", asked)
        try:
            connection = await original(**there, **target("database"), ssl=False)
        except BaseException as error:
            attempt.failed(error)
            raise
        attempt.made(connection)
        return connection

    setattr(connect, _DONE, True)
    module.connection.connect = module.connect = connect


def _asyncpg_arguments(text: Any, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is asked for and what is kept of it.

    A parameter of the DSN that asyncpg doesn't know is a setting of the server; a setting given by keyword wins:
    https://magicstack.github.io/asyncpg/current/api/index.html#connection
    """
    parsed = dsn.parse(text) if text else {}
    asked = dict(parsed, **{k: v for k, v in options.items() if v is not None})
    settings = dict(kept(parsed), **(options.get("server_settings") or {}))
    there = dict(kept(options), server_settings=mark(settings))
    return asked, there


def pg8000(core: Any) -> None:
    """Wrap the constructor below all of pg8000's connect functions and classes."""
    from functools import wraps
    from inspect import signature

    cls = getattr(core, "CoreConnection", None) or core.Connection
    original = cls.__init__
    if getattr(original, _DONE, False):
        return
    accepted = signature(original)

    @wraps(original)
    def __init__(self: Any, *values: Any, **options: Any) -> None:
        asked = dict(accepted.bind_partial(self, *values, **options).arguments)
        asked.pop("self", None)
        there = kept(asked)
        if "application_name" in accepted.parameters:
            mark(there)
        attempt = Attempt("pg8000", asked)
        with attempt:
            original(self, **there, **target("database"))
        attempt.made(self)

    setattr(__init__, _DONE, True)
    cls.__init__ = __init__
