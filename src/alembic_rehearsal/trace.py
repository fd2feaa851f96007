"""Reads what the probe wrote: JSON lines in, a `Trace` out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from alembic_rehearsal import sandbox
from alembic_rehearsal.model import (
    CommitCall,
    Connection,
    Context,
    Failure,
    Location,
    LogRecord,
    PgError,
    Revision,
    Statement,
    Step,
    Trace,
)

Event = Mapping[str, Any]


def events(path: Path) -> Iterator[Event]:
    """Yield the events in *path*; a last line that was cut off by a kill is left out."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)


def read(
    found: Iterable[Event],
    *,
    root: str,
    exit_status: int | None,
    output_tail: tuple[str, ...],
    kernel_guards: tuple[str, ...],
    log: tuple[LogRecord, ...],
    duration_s: float,
    waiting_on: tuple[str, ...] = (),
) -> Trace:
    """Return the trace of one run from its events; paths become relative to *root* where they lie under it."""
    by_kind: dict[str, list[Event]] = {}
    for event in found:
        by_kind.setdefault(event["event"], []).append(event)

    def of(kind: str) -> list[Event]:
        return by_kind.get(kind, [])

    return Trace(
        exit_status=exit_status,
        output_tail=output_tail,
        probe_loaded=bool(of("hello")),
        kernel_guard=set(kernel_guards) == sandbox.BOTH,
        kernel_guards=kernel_guards,
        contexts=_contexts(of("context"), of("revisions"), of("fingerprint"), root),
        connections=tuple(_connection(event, root) for event in of("connect")),
        statements=tuple(_statement(event, root) for event in of("statement")),
        steps=_steps(of("step"), root),
        failures=_failures(of("survey-stopped") + _ended_by(of("exception")), root),
        log=log,
        duration_s=duration_s,
        libraries={event["name"]: event.get("version") or "" for event in of("library")},
        waiting_on=waiting_on,
        believed=tuple(_names(event.get("heads")) for event in of("result")),
        probe_faults=tuple(str(event.get("text", "")) for event in of("probe-error")),
        fingerprints=tuple(str(event["token"]) for event in of("fingerprint")),
        warnings=tuple(str(event.get("text", "")) for event in of("warning")),
        schema=tuple(of("facts")),
        flags=frozenset(name for event in of("flags") for name in event["names"]),
        scripts=_files(of("scripts")[-1:], root),
        modules=tuple(sorted({path for event in of("modules") for path in event["paths"]})),
        commits=tuple(
            CommitCall(event["pid"], event.get("connection") or 0, event["at"])
            for event in of("transaction")
            if event["what"] == "commit"
        ),
        children=_children(of("hello"), of("child"), of("connect")),
    )


def _children(processes: list[Event], started: list[Event], connections: list[Event]) -> bool:
    # What the kernel has refused has no time.
    since = min((event["at"] for event in connections if "at" in event), default=0.0)
    return len({event["pid"] for event in processes}) > 1 or any(event["at"] >= since for event in started)


def _location(event: Event, root: str) -> Location | None:
    path = event.get("path")
    if not path:
        return None
    if path.startswith(root + "/"):
        path = path[len(root) + 1 :]
    return Location(path=path, line=event.get("line"), function=event.get("function") or "")


def _error(fields: Mapping[str, Any] | None) -> PgError | None:
    if not fields or not fields.get("sqlstate"):
        return None
    return PgError(
        sqlstate=fields["sqlstate"],
        message=fields.get("message") or "",
        detail=fields.get("detail") or "",
        hint=fields.get("hint") or "",
        schema=fields.get("schema") or "",
        table=fields.get("table") or "",
        column=fields.get("column") or "",
        constraint=fields.get("constraint") or "",
        datatype=fields.get("datatype") or "",
    )


def _names(value: Any) -> tuple[str, ...]:
    if not value:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _contexts(
    contexts: list[Event], revisions: list[Event], fingerprints: list[Event], root: str
) -> tuple[Context, ...]:
    files = _files(revisions, root)
    return tuple(
        Context(
            version_table=event.get("version_table") or "alembic_version",
            version_table_schema=event.get("version_table_schema") or "",
            heads=_names(event.get("heads")),
            current=_names(event.get("current")),
            destination=_names(event.get("destination")),
            transaction_per_migration=bool(event.get("transaction_per_migration")),
            as_sql=bool(event.get("as_sql")),
            revisions=files,
            schema_seen=_seen(event, fingerprints),
        )
        for event in contexts
        # A context of another database, SQLite for instance, is no rehearsal; its connection is reported.
        if (event.get("dialect") or "postgresql") == "postgresql"
    )


def _files(found: list[Event], root: str) -> tuple[Revision, ...]:
    return tuple(
        Revision(
            revision=entry["revision"],
            down_revisions=_names(entry.get("down_revision")) + _names(entry.get("depends_on")),
            path=_relative(entry.get("path") or "", root),
            message=entry.get("message") or "",
        )
        for event in found
        for entry in event["revisions"]
    )


def _seen(context: Event, fingerprints: list[Event]) -> str:
    """Return the schema in the fingerprint that was told right after *context*, by the same process."""
    after = (each for each in fingerprints if each["pid"] == context["pid"] and each["at"] >= context["at"])
    return str(next(after, {}).get("schema") or "")


def _relative(path: str, root: str) -> str:
    return path[len(root) + 1 :] if path.startswith(root + "/") else path


def _connection(event: Event, root: str) -> Connection:
    wanted = event.get("wanted") or {}
    user = f"{wanted['user']}@" if wanted.get("user") else ""
    port = f":{wanted['port']}" if wanted.get("port") else ""
    dbname = f"/{wanted['dbname']}" if wanted.get("dbname") else ""
    return Connection(
        wanted=f"{user}{wanted.get('host') or ''}{port}{dbname}",
        via=event.get("via") or "",
        outcome=event.get("outcome") or "",
        reason=event.get("reason") or event.get("dialect") or "",
        location=_location(event, root),
    )


def _statement(event: Event, root: str) -> Statement:
    return Statement(
        seq=event["seq"],
        connection=event.get("connection") or 0,
        sql=event.get("sql") or "",
        revision=event.get("revision") or "",
        location=_location(event, root),
        in_transaction=event.get("transaction") == "open",
        duration_ms=float(event.get("ms") or 0),
        error=_error(event.get("error")),
        pid=event.get("pid") or 0,
        skipped=bool(event.get("skipped")),
        rows=event.get("rows") or 0,
        at=event["at"],
    )


_NOT_YET = Step("", (), None, "interrupted", 0.0)


def _steps(found: list[Event], root: str) -> tuple[Step, ...]:
    """Fold begin and end of each revision into one step; one that only began was interrupted.

    Several processes may be at it at once: an end belongs to the last begin of its own process.
    """
    steps: list[Step] = []
    begun: dict[int, int] = {}
    for event in found:
        outcome = {"begin": "interrupted", "end": "applied", "failed": "failed"}[event["phase"]]
        if event["phase"] == "begin":
            begun[event["pid"]] = len(steps)
            steps.append(replace(_NOT_YET, began_at=event["at"]))
        at = begun.get(event["pid"], len(steps) - 1)
        steps[at] = Step(
            revision=event["revision"],
            down_revisions=_names(event.get("down_revision")),
            location=_location(event, root),
            outcome=outcome,
            duration_ms=float(event.get("ms") or 0),
            pid=event["pid"],
            began_at=steps[at].began_at,
            ended_at=event["at"],
        )
    return tuple(steps)


def _ended_by(exceptions: list[Event]) -> list[Event]:
    """Return the exception that ended the command: it may be told when it leaves env.py and again at the end."""
    final = [event for event in exceptions if event.get("final")]
    return (final or exceptions)[-1:]


def _failures(found: list[Event], root: str) -> tuple[Failure, ...]:
    return tuple(
        Failure(
            type=event.get("type") or "",
            text=event.get("text") or "",
            phase=event.get("phase") or "survey",
            revision=event.get("revision") or "",
            location=_location(event, root),
            error=_error(event.get("error")),
            chain=_names(event.get("chain")),
        )
        for event in found
    )
