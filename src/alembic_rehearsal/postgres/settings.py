"""With which settings a server runs whose data is thrown away."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from alembic_rehearsal import sandbox
from alembic_rehearsal.postgres import serverlog


def settings(major: int, *, port: int, log_statement: str = "none") -> dict[str, str]:
    """Return what every server of ours runs with, wherever it runs."""
    chosen = {
        "port": str(port),
        # Nothing has to survive: https://www.postgresql.org/docs/current/non-durability.html
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "max_wal_size": "1GB",
        "checkpoint_timeout": "1h",
        # 1,800 tables restored in one transaction exhaust the default of 64.
        "max_locks_per_transaction": "1024",
        # In a container /dev/shm has 64 MiB, and a killed server leaves its segments there.
        "dynamic_shared_memory_type": "mmap",
        # Nobody replicates. Without the launcher a restored subscription doesn't even try. One sender is allowed since
        # without any no commit ever waits for a standby, which is how `again.commits` stops a command at a commit.
        "wal_level": "replica",
        "max_wal_senders": "1",
        # When each transaction was committed tells which of them ended inside a revision.
        "track_commit_timestamp": "on",
        "max_logical_replication_workers": "0",
        "jit": "off",
        "password_encryption": "scram-sha-256",
        "lc_messages": "C",
        # The log is the rehearsal's second witness: errors that a migration swallowed, and the notices
        # of every IF NOT EXISTS that skipped something.
        "logging_collector": "on",
        "log_destination": serverlog.log_format(major),
        "log_filename": "server.log",
        "log_rotation_age": "0",
        "log_rotation_size": "0",
        "log_min_messages": "notice",
        "log_min_error_statement": "notice",
        "log_checkpoints": "off",
        "log_statement": log_statement,
    }
    if major >= 18:
        # Without the three I/O worker processes, which cost more at the start than they give.
        chosen["io_method"] = "sync"
    return chosen


def arguments(chosen: Mapping[str, str]) -> list[str]:
    """Return the settings as arguments of `postgres`."""
    return [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]


def fence(major: int) -> sandbox.Fence:
    """Return where a server of ours may connect to: it has nowhere to go.

    Until PostgreSQL 14 its statistics collector talks to itself by UDP; without, a look at statistics takes 10 s,
    https://github.com/postgres/postgres/blob/REL_14_STABLE/src/backend/postmaster/pgstat.c, pgstat_init()
    """
    return sandbox.NOWHERE if major >= 15 else dataclasses.replace(sandbox.NOWHERE, datagrams=True)
