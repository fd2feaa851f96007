"""What is in a restored database, asked over a new connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alembic_rehearsal import versiontables
from alembic_rehearsal.dump.session import execute
from alembic_rehearsal.model import VersionTable

_TABLES = """
SELECT count(*), mode() WITHIN GROUP (ORDER BY pg_catalog.pg_get_userbyid(c.relowner))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What of a database matters here.

    Attributes:
        table_count: tables of the user, version tables included.
        main_owner: who owns most of them, "" when there are none.
    """

    version_tables: tuple[VersionTable, ...]
    table_count: int
    main_owner: str

    @property
    def owner(self) -> str:
        """Return the role that migrates: the owner of the version table, else of most tables."""
        return self.version_tables[0].owner if self.version_tables else self.main_owner


def look(connection: Any) -> Contents:
    """Return the contents of the connection's database."""
    # The usual one first: its owner is who migrates.
    tables = sorted(
        versiontables.find(connection),
        key=lambda table: (table.name != "alembic_version", table.schema != "public"),
    )
    [(count, main_owner)] = execute(connection, _TABLES)
    return Contents(tuple(tables), int(count), main_owner or "")
