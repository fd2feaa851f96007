"""A generated project with a large schema: many tables, each with indexes, a sequence and a foreign key."""

from __future__ import annotations

from pathlib import Path

_INI = "[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.url = postgresql+psycopg2://$address\n"
_ENV = """\
from alembic import context
from sqlalchemy import engine_from_config, pool

section = context.config.get_section(context.config.config_ini_section)
engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
_REVISION = """\
import sqlalchemy as sa
from alembic import op

revision = "r{number}"
down_revision = {down}


def upgrade():
    op.add_column("t{number}", sa.Column("added", sa.Text()))
    op.create_index("ix_added_{number}", "t{number}", ["added"])
"""


def write(folder: Path, revisions: int) -> None:
    """Write the project: revision r0 stands for production's state, the others are pending."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text(_INI)
    (folder / "migrations" / "env.py").write_text(_ENV)
    for number in range(revisions + 1):
        down = f'"r{number - 1}"' if number else None
        (versions / f"r{number}.py").write_text(_REVISION.format(number=number, down=down))


def schema(tables: int) -> list[str]:
    """Return the statements that make production at r0."""
    made = []
    for number in range(tables):
        parent = max(0, number // 7)
        made.append(
            f"CREATE TABLE t{number} (id serial PRIMARY KEY, name varchar(80) NOT NULL, parent integer, "
            f"created timestamptz NOT NULL DEFAULT now(), kind text CHECK (kind <> ''))"
        )
        made.append(f"CREATE INDEX ix_name_{number} ON t{number} (name)")
        made.append(f"ALTER TABLE t{number} ADD FOREIGN KEY (parent) REFERENCES t{parent} (id)")
    made += [
        "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('r0')",
    ]
    return made
