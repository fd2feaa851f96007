"""Histories that nobody here wrote, upgraded by bare Alembic and by the tool: do the two say the same?"""

from __future__ import annotations

from collections.abc import Mapping

from .airflow import HISTORY as AIRFLOW
from .dagster import HISTORY as DAGSTER
from .history import History
from .langflow import HISTORY as LANGFLOW
from .mlflow import HISTORY as MLFLOW
from .optuna import HISTORY as OPTUNA
from .prefect import HISTORY as PREFECT

HISTORIES: Mapping[str, History] = {each.name: each for each in (OPTUNA, MLFLOW, AIRFLOW, DAGSTER, PREFECT, LANGFLOW)}
