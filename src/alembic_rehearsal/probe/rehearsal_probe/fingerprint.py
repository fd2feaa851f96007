"""Tell which database the command's own connection is in: the tool has left a token in the one that it prepared."""

from __future__ import annotations

from . import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Set on the database before the command is let in, so every session there has it from its start:
# https://www.postgresql.org/docs/current/sql-alterdatabase.html
_QUERY = "SELECT current_setting('alembic_rehearsal.fingerprint', true)"


def tell(context: Any) -> None:
    """Report the token that the connection of *context* sees, "" for none.

    Alembic has read its version table on this connection just before, so no transaction begins here that would not
    have begun; where the driver says that none has, the one that this begins is ended again.
    """
    from .statements import driver_connection, is_postgresql, transaction_status, values

    if context.connection is None or not is_postgresql(context.dialect):
        return  # offline mode, or a database that is not ours
    raw = driver_connection(context.connection.connection)
    status = transaction_status(raw)
    if status == "failed":
        return
    cursor = raw.cursor()
    try:
        cursor.execute(_QUERY)
        row = cursor.fetchone()
    finally:
        cursor.close()
    if status == "none":
        raw.rollback()
    report.emit("fingerprint", token=values(row)[0] or "")
