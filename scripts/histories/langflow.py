"""Langflow: psycopg 3 through an async engine, 30 merges, revisions that write seed rows."""

from __future__ import annotations

from .history import History

HISTORY = History(
    name="langflow",
    requirements=("langflow-base", "psycopg2-binary", "psycopg[binary]"),
    scripts="langflow:alembic",
    revisions=("1ef9c4f3765d", "012fb73ac359", "dd9e0804ebd1", "b1c2d3e4f5a6", "b7c4d8e9f012", "b7d5f9a3c2e4"),
    files={
        "alembic.ini": "[alembic]\nscript_location = langflow:alembic\n"
        "sqlalchemy.url = postgresql+psycopg://$address\n"
        "[loggers]\nkeys = root\n[handlers]\nkeys =\n[formatters]\nkeys =\n[logger_root]\nlevel = WARN\nhandlers =\n"
    },
    environ={"LANGFLOW_CONFIG_DIR": "$home", "DO_NOT_TRACK": "true"},
)
