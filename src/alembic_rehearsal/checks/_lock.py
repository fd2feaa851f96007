"""The lock for env.py that lets one upgrade run at a time."""

from __future__ import annotations

# A session that waits in pg_advisory_lock() holds a snapshot, and CREATE INDEX CONCURRENTLY of the one that it waits
# for waits for that in turn; between tries pg_try_advisory_lock() holds none. The lock is the session's and not the
# transaction's, because transaction_per_migration and autocommit_block() commit in between; and the session is not
# the migrations' own, whose transactions SQLAlchemy 1.4 and 2.0 begin at different times.
# https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
RECIPE = """\
One upgrade at a time; the others wait, and then find nothing to do. In env.py:
    import time
    from contextlib import contextmanager
    from sqlalchemy import text


    @contextmanager
    def one_at_a_time(connection, key=20240117):
        with connection.engine.connect() as lock:
            lock = lock.execution_options(isolation_level="AUTOCOMMIT")
            while not lock.execute(text(f"SELECT pg_try_advisory_lock({key})")).scalar():
                time.sleep(0.2)
            try:
                yield
            finally:
                lock.execute(text(f"SELECT pg_advisory_unlock({key})"))

and around what is there already, where the connection is at hand:
    with one_at_a_time(connection):
        with context.begin_transaction():
            context.run_migrations()

The lock is a session's: behind a pooler that hands out transactions, connect to PostgreSQL itself. Or let a step that
runs once for a deploy migrate, before the instances start."""
