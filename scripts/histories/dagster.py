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
    rows=("secondary_indexes",),
    remark="Production is today's schema taken back to the revision by the project's own downgrades. The dumps take "
    "the rows of `secondary_indexes` along (`--include-data`): there it keeps which data migrations it has done, and "
    "without them it does all of them again. From a dump without those rows the tool said blocked, 42P01, at "
    "284a732df317 with `bulk_actions` missing, where production passes. "
    "Where `runs` is missing the two differ for good reason: Dagster takes the "
    "database for a new one, fails with 42P07, tries again and stamps head. Its command ends with status 0, and of the "
    "85 objects that the pending revisions make production lacks 77; the tool says which revisions never ran.",
)
