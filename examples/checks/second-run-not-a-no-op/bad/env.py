from alembic import context
from sqlalchemy import engine_from_config, pool, text

section = context.config.get_section("alembic")
engine = engine_from_config(section, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        connection.execute(text("CREATE TABLE settings (id int)"))
        context.run_migrations()
