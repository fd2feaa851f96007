"""`python -m bench.probe`: what the probe adds to `alembic upgrade head` of a 300-revision history.

Bare runs and runs with the probe take turns on one warm server, each on a database of its own. Processor seconds of the
command (user and system) are less disturbed by a busy machine than the clock; medians and minima are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from alembic_rehearsal import postgres, probe, workdir
from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Endpoint
from alembic_rehearsal.postgres import databases
from alembic_rehearsal.probe.rehearsal_probe import environ

_REVISIONS = 300
_INI = "[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.url = {url}\n"
_ENV = """\
from alembic import context
from sqlalchemy import engine_from_config, pool

engine = engine_from_config(context.config.get_section("alembic"), prefix="sqlalchemy.", poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
_REVISION = '''\
"""Revision {name}"""

import sqlalchemy as sa
from alembic import op

revision = {name!r}
down_revision = {down!r}


def upgrade():
    op.create_table("t{number}", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(40)))
    op.create_index("ix_t{number}_name", "t{number}", ["name"])
    op.add_column("t{number}", sa.Column("added", sa.DateTime))
    op.execute("UPDATE t{number} SET added = now()")


def downgrade():
    pass
'''


def main() -> None:
    """Measure, and print the clock's and the processor's medians and minima."""
    parser = argparse.ArgumentParser(prog="python -m bench.probe", description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    offer = postgres.offers(("local", "embedded"))[0][0]
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with (
        workdir.run_directory(expected_bytes=0) as place,
        postgres.start(offer, workdir=place, password="bench") as cluster,
        tempfile.TemporaryDirectory() as folder,
    ):
        cluster.ready(60)
        with connected(cluster.admin) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE ROLE bench LOGIN PASSWORD 'bench'")
        for number in range(2 * runs + 2):
            with_probe = bool(number % 2)
            dbname = f"bench_{number}"
            databases.create(cluster, dbname, owner="bench")
            endpoint = cluster.endpoint(dbname, user="bench", password="bench")
            seconds = _upgrade(Path(folder), endpoint, number, with_probe=with_probe)
            if number > 1:  # the first of each writes the compiled files
                found[with_probe].append(seconds)
            databases.drop(cluster, dbname)
    for index, name in enumerate(("clock", "processor")):
        for statistic in (statistics.median, min):
            bare, probed = (statistic(each[index] for each in found[which]) for which in (False, True))
            line = f"bare {bare:6.3f} s, with the probe {probed:6.3f} s: {100 * (probed / bare - 1):+.1f} %"
            print(f"{name:10} {statistic.__name__:7} {line}")


def _upgrade(folder: Path, endpoint: Endpoint, number: int, *, with_probe: bool) -> tuple[float, float]:
    """Run the upgrade once and return the seconds by the clock and of the processor."""
    _write(
        folder,
        f"postgresql+psycopg2://{endpoint.user}:{endpoint.password}@{endpoint.host}:{endpoint.port}/{endpoint.dbname}",
    )
    # PYTHONDONTWRITEBYTECODE, for one, would have the history compiled anew by every run.
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTHON"))}
    if with_probe:
        exchange = folder / f"exchange-{number}"
        exchange.mkdir()
        point = {name: getattr(endpoint, name) for name in ("host", "port", "user", "password", "dbname")}
        config = {"mode": "true", "allowed_ports": [], "endpoint_port": endpoint.port}
        (exchange / "config.json").write_text(json.dumps(config))
        (exchange / "ready.json").write_text(json.dumps(point))
        variables = environ.rewritten(variables, dict(endpoint.kwargs()), str(exchange))
        variables["ALEMBIC_REHEARSAL_DIR"] = str(exchange)
        variables["PYTHONPATH"] = probe.DIRECTORY
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [str(Path(sys.executable).with_name("alembic")), "upgrade", "head"]
    subprocess.run(command, cwd=folder, env=variables, check=True, capture_output=True)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _write(folder: Path, url: str) -> None:
    (folder / "alembic.ini").write_text(_INI.format(url=url.replace("%", "%%")))
    versions = folder / "migrations" / "versions"
    if versions.exists():
        return
    versions.mkdir(parents=True)
    (folder / "migrations" / "env.py").write_text(_ENV)
    down = None
    for number in range(_REVISIONS):
        name = f"r{number:04}"
        (versions / f"{name}.py").write_text(_REVISION.format(name=name, down=down, number=number))
        down = name


if __name__ == "__main__":
    main()
