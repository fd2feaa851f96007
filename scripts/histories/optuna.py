"""Optuna: ten revisions, stock env.py, psycopg2."""

from __future__ import annotations

from .history import History

HISTORY = History(
    name="optuna",
    requirements=("optuna", "psycopg2-binary"),
    scripts="optuna:storages/_rdb/alembic",
    revisions=("v0.9.0.a", "v1.3.0.a", "v2.4.0.a", "v2.6.0.a", "v3.0.0.a", "v3.0.0.d"),
    files={
        "alembic.ini": "[alembic]\nscript_location = optuna:storages/_rdb/alembic\n"
        "sqlalchemy.url = postgresql+psycopg2://$address\n"
        "[loggers]\nkeys = root\n[handlers]\nkeys =\n[formatters]\nkeys =\n[logger_root]\nlevel = WARN\nhandlers =\n"
    },
)
