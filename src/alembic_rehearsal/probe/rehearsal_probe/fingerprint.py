"""Tell which database the command's own connection is in, and which version table it means there.

The tool has left a token in the database that it prepared. The version table's schema is decided by this connection's
search_path, which env.py may have set: nobody else can say which of several tables of one name is meant.
"""

from __future__ import annotations

from . import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Set on the database before the command is let in, so every session there has it from its start:
# https://www.postgresql.org/docs/current/sql-alterdatabase.html
_QUERY = (
    "SELECT current_setting('alembic_rehearsal.fingerprint', true),"
    " (SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.oid = to_regclass('{}'))"
)


def tell(context: Any) -> None:
    """Report the token, and the schema of the version table, that the connection of *context* sees; "" for none.

    Alembic has read its version table on this connection just before, so no transaction begins here that would not
    have begun. Where the driver doesn't say so, and in offline mode, the connection is left alone: then the version
    rows that are read back have to be the proof.
    """
    from .statements import driver_connection, is_postgresql, transaction_status, values

    if context.as_sql or not is_postgresql(context.dialect):
        return  # nothing is sent, or to a database that is not ours
    fairy = getattr(context.connection, "connection", None)
    raw = None if fairy is None else driver_connection(fairy)
    if raw is None or transaction_status(raw) not in ("open", "autocommit"):
        return
    cursor = raw.cursor()
    try:
        cursor.execute(_QUERY.format(_table(context)))
        token, schema = values(cursor.fetchone())
    finally:
        cursor.close()
    report.emit("fingerprint", token=token or "", schema=schema or "")


def _table(context: Any) -> str:
    """Return the version table's name as the text of a string constant: an identifier in quotes."""
    parts = [part for part in (context.version_table_schema, context.version_table) if part]
    name = ".".join('"{}"'.format(part.replace('"', '""')) for part in parts)
    # No character that a driver could take for a parameter's mark; such a name is found by its rows.
    return "" if any(mark in name for mark in ("%", ":", "\\", "?")) else name.replace("'", "''")
