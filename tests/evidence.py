"""Hand-built evidence for the tests of pure rooms: a run of one revision on one version table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alembic_rehearsal.model import (
    Connection,
    Context,
    DumpInfo,
    Evidence,
    Location,
    Migrator,
    Need,
    Options,
    PgError,
    Project,
    Readback,
    Restored,
    Revision,
    Statement,
    Trace,
    VersionTable,
)

TABLE = VersionTable("public", "alembic_version", "app", ("a",), 32)
CONTEXT = Context(
    version_table="alembic_version",
    version_table_schema="",
    heads=("c",),
    current=("a",),
    transaction_per_migration=False,
    revisions=(
        Revision("c", ("b",), "c.py", "third"),
        Revision("b", ("a",), "b.py", "second"),
        Revision("a", (), "a.py", "first"),
    ),
)
TRACE = Trace(
    exit_status=1,
    output_tail=("the last line",),
    probe_loaded=True,
    kernel_guard=True,
    contexts=(CONTEXT,),
    connections=(Connection("app@db:5432/app", "sqlalchemy", "redirected"),),
    statements=(),
    steps=(),
    failures=(),
    log=(),
    duration_s=1.0,
)
EVIDENCE = Evidence(
    options=Options(dump="p.sql"),
    project=Project("/project", "/venv/bin/python", "", ("alembic", "upgrade", "head")),
    dump=DumpInfo("p.sql", "plain", (), "p.sql", "15", "15", None, Need(15), 1, 0.0),
    restored=Restored("app", True, "app", (TABLE,), 2, frozenset(), frozenset(), ()),
    tables=(TABLE,),
    migrator=Migrator("app", is_superuser=False, why=""),
    trace=TRACE,
    survey=None,
    readback=Readback(True, (TABLE,), (), ()),
    present={},
)


def evidence(trace: Trace = TRACE, **changes: Any) -> Evidence:
    """Return the usual evidence with another trace and whatever else is to differ."""
    return replace(EVIDENCE, trace=trace, **changes)


def statement(seq: int, sql: str, state: str = "", message: str = "", **changes: Any) -> Statement:
    """Return a statement of revision b, failed if *state* is given, at the line of its number."""
    made = Statement(
        seq=seq,
        connection=1,
        sql=sql,
        revision="b",
        location=Location("b.py", seq, "upgrade"),
        in_transaction=True,
        duration_ms=1.0,
        error=PgError(state, message) if state else None,
    )
    return replace(made, **changes)
