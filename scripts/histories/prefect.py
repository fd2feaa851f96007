"""Prefect: asyncpg, a transaction a migration, autocommit blocks, no bare alembic: env.py wants its event loop."""

from __future__ import annotations

from .history import History

_UPGRADE = ("prefect", "server", "database", "upgrade", "-y")

HISTORY = History(
    name="prefect",
    requirements=("prefect",),
    scripts="prefect:server/database/_migrations",
    versions="versions/postgresql",
    revisions=("4799f657a6a1", "29ad9bef6147", "22b7cb02e593", "9326a6aee18b", "6a1eb3d442e4", "15768c2ec702"),
    environ={
        "PREFECT_HOME": "$home",
        "PREFECT_API_DATABASE_CONNECTION_URL": "postgresql+asyncpg://$address",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    },
    step=(*_UPGRADE, "-r", "$revision"),
    upgrade=_UPGRADE,
)
