"""Generated projects whose revisions commit in every way that there is, guarded or not."""

from __future__ import annotations

from hypothesis import strategies as st

from fix_projects import ENV

STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
CREATE TYPE mood AS ENUM ('glad');
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
"""
ENVS = (
    ENV.format(configure=""),
    ENV.format(configure=", transaction_per_migration=True"),
    ENV.format(configure="").replace("NullPool)", 'NullPool, isolation_level="AUTOCOMMIT")'),
)
_BLOCK = "with op.get_context().autocommit_block():\n    "
_OTHER = "with op.get_bind().engine.begin() as other:\n    "
# {n} is a number that no other operation of the history has.
_OPERATIONS = (
    'op.create_table("t{n}", sa.Column("id", sa.Integer))',
    'op.execute("CREATE TABLE IF NOT EXISTS t{n} (id int)")',
    'op.add_column("users", sa.Column("c{n}", sa.Integer))',
    'op.execute("ALTER TABLE users ADD COLUMN IF NOT EXISTS c{n} int")',
    'op.execute("UPDATE users SET email = NULL WHERE id < 0")',
    'op.execute("COMMIT")',
    "op.get_bind().connection.driver_connection.commit()",
    _BLOCK + 'op.execute("CREATE INDEX CONCURRENTLY i{n} ON users (email)")',
    _BLOCK + 'op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS i{n} ON users (email)")',
    _BLOCK + 'op.execute("DROP INDEX CONCURRENTLY IF EXISTS i{n}")\n'
    '    op.execute("CREATE INDEX CONCURRENTLY i{n} ON users (email)")',
    _BLOCK + "op.execute(\"ALTER TYPE mood ADD VALUE 'm{n}'\")",
    _BLOCK + "op.execute(\"ALTER TYPE mood ADD VALUE IF NOT EXISTS 'm{n}'\")",
    _OTHER + 'other.execute(sa.text("CREATE TABLE IF NOT EXISTS o{n} (id int)"))',
    _OTHER + 'other.execute(sa.text("CREATE TABLE o{n} (id int)"))',
)


def _project(drawn: tuple[str, list[list[str]]]) -> tuple[str, dict[str, str]]:
    """Return env.py and id -> body of upgrade()."""
    env, revisions = drawn
    number, bodies = 0, {"0001": ""}
    for each in revisions:
        lines = []
        for operation in each:
            number += 1
            lines.append(operation.replace("{n}", str(number)))
        bodies[f"{len(bodies) + 1:04}"] = "\n".join(lines)
    return env, bodies


projects = st.tuples(
    st.sampled_from(ENVS),
    st.lists(st.lists(st.sampled_from(_OPERATIONS), min_size=1, max_size=3), min_size=1, max_size=2),
).map(_project)
"""env.py, and revisions after 0001, which production is at."""
