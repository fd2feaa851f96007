"""MLflow: started by create_all of its first models, then Alembic; upgraded by its own command."""

from __future__ import annotations

from .history import History

_FIRST_TABLES = (
    "import sqlalchemy; from mlflow.store.tracking.dbmodels.initial_models import Base; "
    "Base.metadata.create_all(sqlalchemy.create_engine('postgresql+psycopg2://$address'))"
)

HISTORY = History(
    name="mlflow",
    requirements=("mlflow", "psycopg2-binary"),
    scripts="mlflow:store/db_migrations",
    revisions=("90e64c465722", "728d730b5ebd", "97727af70f4d", "867495a8f9d4", "534353b11cbc", "e1f2a3b4c5d6"),
    files={
        "alembic.ini": "[alembic]\nscript_location = mlflow:store/db_migrations\n"
        "sqlalchemy.url = postgresql+psycopg2://$address\n"
    },
    environ={"MLFLOW_DISABLE_TELEMETRY": "true"},
    start=("python", "-c", _FIRST_TABLES),
    upgrade=("mlflow", "db", "upgrade", "postgresql+psycopg2://$address"),
)
