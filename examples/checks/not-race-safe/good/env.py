import time
from contextlib import contextmanager

from alembic import context
from sqlalchemy import engine_from_config, pool, text


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


section = context.config.get_section("alembic")
engine = engine_from_config(section, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with one_at_a_time(connection):
        with context.begin_transaction():
            context.run_migrations()
