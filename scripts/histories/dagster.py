"""Dagster: one history for three storages, an AUTOCOMMIT engine, revisions that ask before they create."""

from __future__ import annotations

from .history import History

_CREATE = "from dagster import DagsterInstance; i = DagsterInstance.get(); i.run_storage, i.event_log_storage"

# Its env.py takes the connection from the program that calls Alembic. PostgreSQL's history begins with
# tables that no revision makes, so production is today's schema taken back.
_STEP = (
    "import sqlalchemy; from dagster_postgres.utils import pg_alembic_config; "
    "import dagster_postgres.run_storage as s; "
    "from dagster._core.storage.sql import run_alembic_downgrade; "
    "e = sqlalchemy.create_engine('postgresql+psycopg2://$address', isolation_level='AUTOCOMMIT'); "
    "run_alembic_downgrade(pg_alembic_config(s.__file__), e.connect(), '$revision')"
)

HISTORY = History(
    name="dagster",
    requirements=("dagster", "dagster-postgres"),
    scripts="dagster:_core/storage/alembic",
    revisions=("6b7fb194ff9c", "284a732df317", "701913684cb4", "16689497301f", "6df03f4b1efb", "a00dd8d936a1"),
    files={
        "dagster.yaml": "storage:\n  postgres:\n    postgres_url: postgresql+psycopg2://$address\n"
        "telemetry:\n  enabled: false\n"
    },
    environ={"DAGSTER_HOME": "$home"},
    start=("python", "-c", _CREATE),
    step=("python", "-c", _STEP),
    upgrade=("dagster", "instance", "migrate"),
    remark="production is today's schema taken back to the revision by the project's own downgrades",
)
