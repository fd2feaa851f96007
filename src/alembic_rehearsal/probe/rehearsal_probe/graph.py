"""Report what Alembic plans and does: its context, its revisions, each step and what the version table then holds."""

from __future__ import annotations

import os
import time

from . import barrier, facts, fingerprint, gate, report
from .attribution import Place, absolute, between_revisions, here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_state: dict[str, Any] = {
    "revisions": False,
    "scripts": False,
    "loaded": [],
    "step": None,
    "running": 0,
    "begun": False,
    "maintainers": {},
}


def current_step() -> Any:
    """Return the fields of the step whose migration function or version row is being worked on, or None."""
    return _state["step"]


def begun() -> bool:
    """Whether a `run_migrations` has begun in this process."""
    return bool(_state["begun"])


def running() -> bool:
    """Whether a `run_migrations` is under way."""
    return bool(_state["running"])


def hook(migration: Any) -> None:
    """Wrap `MigrationContext.run_migrations`, and remember the head maintainer that it makes."""
    from functools import wraps

    cls, maintainer = migration.MigrationContext, migration.HeadMaintainer
    run, init = cls.run_migrations, maintainer.__init__
    if hasattr(run, "_alembic_rehearsal"):
        return

    @wraps(init)
    def __init__(self: Any, context: Any, heads: Any) -> None:
        init(self, context, heads)
        _state["maintainers"][id(context)] = self

    @wraps(run)
    def run_migrations(self: Any, **options: Any) -> Any:
        return _run_migrations(run, self, options)

    run_migrations._alembic_rehearsal = True  # type: ignore[attr-defined]
    maintainer.__init__ = __init__
    cls.run_migrations = run_migrations
    if gate.survey():
        from . import survey

        survey.hook(migration)


def _run_migrations(run: Any, context: Any, options: dict[str, Any]) -> Any:
    plan = context._migrations_fn
    told = []

    def observed(heads: Any, ctx: Any) -> Iterator[Any]:
        told.append(True)
        _guarded(tell_context, ctx, heads)
        _guarded(fingerprint.tell, ctx)
        held = gate.config().get("barrier")
        for step in plan(heads, ctx):
            if held:
                _guarded(barrier.arrive, ctx)
            _guarded(_watch, step, ctx, place)
            yield step

    if plan is not None:
        context._migrations_fn = observed
    if gate.survey():
        _guarded(_tell_flags)
    _state["running"] += 1
    _state["begun"] = True
    # A callback of the project's answers for itself.
    place = None if getattr(context, "on_version_apply_callbacks", ()) else here()
    between_revisions(place)
    try:
        result = run(context, **options)
        _state["step"] = None
        return result
    except BaseException:
        # A survey goes on past what fails, and has told them.
        if not gate.survey():
            _guarded(_tell_flags)
        raise
    finally:
        _state["running"] -= 1
        between_revisions(None)
        context._migrations_fn = plan
        if not told:
            _guarded(tell_context, context, None)
        _guarded(_tell_result, context)
        if facts.asked():
            _guarded(facts.tell_modules)


def _tell_flags() -> None:
    from . import survey

    survey.tell_flags()


def _guarded(function: Any, *values: Any) -> None:
    try:
        function(*values)
    except Exception as error:
        report.fault(function.__name__, error)


def tell_context(context: Any, current: Any) -> None:
    """Report the configuration of *context*; *current* are the rows of the version table, None if unread."""
    options = context.opts
    script = options.get("script")
    try:
        heads = None if script is None else list(script.get_heads())
    except Exception:
        heads = None  # a broken graph raises again where Alembic uses it, and is reported there
    report.emit(
        "context",
        version_table=context.version_table,
        version_table_schema=context.version_table_schema,
        heads=heads,
        current=None if current is None else sorted(current),
        destination=options.get("destination_rev"),
        transaction_per_migration=bool(context._transaction_per_migration),
        transactional_ddl=bool(context.impl.transactional_ddl),
        dialect=context.dialect.name,
        as_sql=bool(context.as_sql),
        script_location=None if script is None else os.path.abspath(script.dir),
    )
    if heads is not None and not _state["revisions"]:
        _state["revisions"] = True
        report.emit("revisions", revisions=[_revision(r) for r in _scripts(script)])
    loaded = _state["loaded"]
    if heads is None or len({r.revision for r in loaded}) < len(loaded):
        tell_loaded()


def hook_loading(base: Any) -> None:
    """Wrap `ScriptDirectory._load_revisions`, to remember each file that was read, whatever became of their graph."""
    from functools import wraps

    cls = base.ScriptDirectory
    load = cls._load_revisions
    if hasattr(load, "_alembic_rehearsal"):
        return

    @wraps(load)
    def _load_revisions(self: Any) -> Iterator[Any]:
        loaded = _state["loaded"] = []
        for script in load(self):
            loaded.append(script)
            yield script

    _load_revisions._alembic_rehearsal = True  # type: ignore[attr-defined]
    cls._load_revisions = _load_revisions


def tell_loaded() -> None:
    """Report every revision file that was read, once: of a graph that is broken or has an id twice."""
    if _state["loaded"] and not _state["scripts"]:
        _state["scripts"] = True
        report.emit("scripts", revisions=[_revision(r) for r in _state["loaded"]])


def tell_unfinished() -> None:
    """Report the revision files that were read of a graph that never came to be."""
    if not _state["revisions"]:
        tell_loaded()


def _scripts(script: Any) -> list[Any]:
    """Return the scripts of all revisions, in no order: Alembic has read them, and sorting them takes its time."""
    known = getattr(script.revision_map, "_revision_map", None)
    if known is None:
        return list(script.walk_revisions())
    # Branch labels are keys of the same map, and base is one without a script.
    return list({r.revision: r for r in known.values() if r is not None}.values())


def _revision(script: Any) -> dict[str, Any]:
    return {
        "revision": script.revision,
        "down_revision": _tuple(script.down_revision),
        "depends_on": _tuple(script.dependencies),
        "path": _path(script),
        "message": script.doc,
    }


def _path(script: Any) -> str:
    """Return the absolute path of a revision's file; of the hundreds of files one directory is looked at once."""
    folder, name = os.path.split(script.path)
    return os.path.join(absolute(folder), name)


def _tuple(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _watch(step: Any, context: Any, place: Place | None) -> None:
    """Wrap the migration function of *step*; a stamp has none worth a report. *place* is where the run is begun."""
    script = getattr(step, "revision", None)
    if script is None or not hasattr(script, "path"):
        return
    fields = {
        "revision": script.revision,
        "down_revision": _tuple(script.down_revision),
        "is_upgrade": bool(getattr(step, "is_upgrade", True)),
        "path": _path(script),
    }
    original, told = step.migration_fn, report.quoted(fields)[1:-1]

    def migration_fn(*values: Any, **options: Any) -> Any:
        _state["step"] = fields
        between_revisions(None)
        if facts.asked() and gate.survey():
            _guarded(facts.begin, context, fields["revision"])
        _tell_step("begin", 0.0, told)
        started = time.perf_counter()
        try:
            result = _survey(original, fields, values, options)
        except BaseException:
            _tell_step("failed", _ms(started), told)
            raise
        between_revisions(place)
        _tell_step("end" if result else "failed", _ms(started), told)
        if facts.asked():
            _guarded(facts.tell, context, fields["revision"])

    step.migration_fn = migration_fn


def _tell_step(phase: str, ms: float, fields: str) -> None:
    report.emit_text("step", '"phase": "{}", "ms": {}, {}'.format(phase, ms, fields))


def _survey(original: Any, fields: Any, values: Any, options: Any) -> bool:
    """Call the migration function; in a survey an exception is recorded and the answer is False."""
    if not gate.survey():
        original(*values, **options)
        return True
    from . import survey

    return survey.step(original, fields, values, options)


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)


def _tell_result(context: Any) -> None:
    maintainer = _state["maintainers"].pop(id(context), None)
    if maintainer is not None:
        report.emit("result", heads=sorted(maintainer.heads))
