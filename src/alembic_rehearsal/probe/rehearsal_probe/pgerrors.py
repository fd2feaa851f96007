"""Read a PostgreSQL error's fields from the exception of any driver, however deep it is wrapped."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# pg8000 hands the protocol's own one-letter fields over:
# https://www.postgresql.org/docs/current/protocol-error-fields.html
_LETTERS = {
    "sqlstate": "C",
    "message": "M",
    "detail": "D",
    "hint": "H",
    "schema": "s",
    "table": "t",
    "column": "c",
    "constraint": "n",
    "datatype": "d",
}
_DIAG = {
    "message": "message_primary",
    "detail": "message_detail",
    "hint": "message_hint",
    "schema": "schema_name",
    "table": "table_name",
    "column": "column_name",
    "constraint": "constraint_name",
    "datatype": "datatype_name",
}
_ASYNCPG = {
    "message": "message",
    "detail": "detail",
    "hint": "hint",
    "schema": "schema_name",
    "table": "table_name",
    "column": "column_name",
    "constraint": "constraint_name",
    "datatype": "data_type_name",
}
_FIELDS = tuple(_LETTERS)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield *error* and what it was made from, outermost first: SQLAlchemy's `orig`, causes and contexts."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        orig = getattr(one, "orig", None)
        context = None if one.__suppress_context__ and one.__cause__ is not None else one.__context__
        waiting[:0] = [orig if isinstance(orig, BaseException) else None, one.__cause__, context]


def fields(error: BaseException | None) -> dict[str, str] | None:
    """Return sqlstate, message, detail ... and the driver's class; None when no server error is behind *error*."""
    poorer = None
    for one in chain(error):
        found = _of_one(one)
        if found is None:
            continue
        found["type"] = qualified(one)
        if found.get("message"):
            return found
        # SQLAlchemy's adapter for asyncpg has the SQLSTATE only; asyncpg's own exception is its cause.
        poorer = poorer or dict(found, message=str(one))
    return poorer


def qualified(error: BaseException) -> str:
    """Return the name of the class with its module."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else kind.__module__ + "." + kind.__qualname__


def _of_one(error: BaseException) -> dict[str, str] | None:
    sqlstate = getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
    diag = getattr(error, "diag", None)
    if not sqlstate and diag is not None:
        sqlstate = getattr(diag, "sqlstate", None)
    if sqlstate:
        source, names = (diag, _DIAG) if diag is not None else (error, _ASYNCPG)
        found = {k: getattr(source, names[k], None) for k in _FIELDS if k != "sqlstate"}
        if diag is not None and not found["message"]:
            found["message"] = str(error)
        return dict({k: str(v or "") for k, v in found.items()}, sqlstate=str(sqlstate))
    letters = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    if letters.get("C"):
        return {k: str(letters.get(letter) or "") for k, letter in _LETTERS.items()}
    return None
