"""Rewrite the environment so that nothing in it leads anywhere but to the throw-away server.

The one module of the probe that the tool uses too: it sets the environment of the command with it, before the
server exists, and the probe sets the final values when the server is ready.
"""

from __future__ import annotations

import os

from . import dsn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# https://www.postgresql.org/docs/current/libpq-envars.html
_DROPPED = frozenset(
    "PGSERVICE PGHOSTADDR PGTARGETSESSIONATTRS PGCHANNELBINDING PGLOADBALANCEHOSTS PGKRBSRVNAME PGREALM "
    "PGMINPROTOCOLVERSION PGMAXPROTOCOLVERSION".split()
)
_DROPPED_PREFIXES = ("PGSSL", "PGREQUIRE", "PGGSS", "PGOAUTH")
# The environment of the tool's own run, and what can't be a connection string but may hold "=".
_LEFT_ALONE = frozenset(("PATH", "PYTHONPATH", "LS_COLORS", "PS1", "ALEMBIC_REHEARSAL_DIR"))


def rewritten(environ: Mapping[str, str], endpoint: Mapping[str, Any], directory: str | None = None) -> dict[str, str]:
    """Return *environ* with PG* and every value that holds a PostgreSQL URL or DSN leading to *endpoint*.

    Rewriting twice, with another endpoint, gives what rewriting with the second alone gives.

    Args:
        environ: of a process, names to values.
        endpoint: host, port, user, password, dbname.
        directory: for PGSYSCONFDIR, a directory without a pg_service.conf; by default that of the rehearsal.
    """
    result = {}
    for name, value in environ.items():
        if name in _DROPPED or name.startswith(_DROPPED_PREFIXES):
            continue
        result[name] = value if name in _LEFT_ALONE else dsn.rewritten(value, endpoint)
    result["PGHOST"] = str(endpoint["host"])
    result["PGPORT"] = str(endpoint["port"])
    result["PGUSER"] = str(endpoint["user"])
    result["PGPASSWORD"] = str(endpoint["password"])
    result["PGDATABASE"] = str(endpoint["dbname"])
    result["PGSERVICEFILE"] = result["PGPASSFILE"] = os.devnull
    result["PGSYSCONFDIR"] = directory or environ.get("ALEMBIC_REHEARSAL_DIR") or os.devnull
    result.setdefault("DATABASE_URL", dsn.url(endpoint))
    return result
