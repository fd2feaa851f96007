"""Airflow: env.py takes its URL from the settings, a transaction a migration, revisions with guards and raw SQL."""

from __future__ import annotations

from .history import History

HISTORY = History(
    name="airflow",
    requirements=("apache-airflow", "psycopg2-binary", "asyncpg"),
    scripts="airflow:migrations",
    revisions=("4bc4d934e2bc", "686269002441", "044f740568ec", "2b47dc6bc8df", "29ce7909c52b", "509b94a1042d"),
    files={
        "alembic.ini": "[alembic]\nscript_location = airflow:migrations\nsqlalchemy.url = scheme://localhost/airflow\n"
        "[loggers]\nkeys = root\n[handlers]\nkeys =\n[formatters]\nkeys =\n[logger_root]\nlevel = WARN\nhandlers =\n"
    },
    environ={
        "AIRFLOW_HOME": "$home",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://$address",
    },
)
