from alembic import context
from sqlalchemy import engine_from_config, pool

section = context.config.get_section("alembic")
engine = engine_from_config(section, poolclass=pool.NullPool)
with engine.connect() as connection:
    connection.exec_driver_sql("SET lock_timeout = '5s'")
    connection.commit()
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
