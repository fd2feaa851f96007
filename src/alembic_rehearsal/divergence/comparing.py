"""Puts the comparison together: what may be compared, the differences of before, what the upgrade has brought."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from alembic_rehearsal import baselines, lineage
from alembic_rehearsal.catalog import Facts, Key, difference
from alembic_rehearsal.divergence.blaming import Four, Judge
from alembic_rehearsal.divergence.places import Places
from alembic_rehearsal.divergence.scope import called, schemas, scoped
from alembic_rehearsal.divergence.states import Origins, at
from alembic_rehearsal.divergence.wording import Words, elements
from alembic_rehearsal.history import History
from alembic_rehearsal.model import Departure, Drift, Project, Restored, Trace

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Upgraded:
    """An upgrade, and production's facts on both sides of it.

    Attributes:
        after: None when the upgrade did not go through: then only what was before it is compared.
    """

    trace: Trace
    project: Project
    restored: Restored
    before: Facts
    after: Facts | None


def compared(upgraded: Upgraded, history: History, baseline: str = "") -> Drift:
    """Compare production with *history*, before the upgrade and after it.

    Args:
        baseline: path of the file with the differences that are known, "" for none.
    """
    trace = upgraded.trace
    why = _incomparable(trace, history)
    if why:
        return Drift(why=why)
    graph = lineage.graph(trace)
    stamped = trace.contexts[0].current
    applied = frozenset(lineage.ancestors(stamped, graph))
    done = frozenset(lineage.ancestors((*stamped, *(step.revision for step in trace.steps)), graph))
    base_before, base_after = at(history, applied), at(history, done)
    after = upgraded.after or upgraded.before
    four = _scoped(Four(upgraded.before, after, base_before, base_after), _version_tables(upgraded))
    # A constraint that production has under another name is the history's own from here on.
    names = {each.before: each.after for each in difference(four.before, four.base_before).renamed}
    judge = Judge(replace(four, before=called(four.before, names), after=called(four.after, names)))
    here = {mine: theirs for theirs, mine in names.items()}
    words = Words(upgraded.before, base_before, Origins(history, applied), {})
    before = tuple(words.difference(each) for each in elements(difference(four.before, four.base_before)))
    known, gone = baselines.sifted(before, baseline)
    return Drift(
        before=known,
        departures=_departures(judge, upgraded, base_after, Origins(history, done), here) if upgraded.after else (),
        at=stamped,
        baseline=Path(baseline).name,
        gone=gone,
    )


def _departures(
    judge: Judge, upgraded: Upgraded, wanted: Facts, origins: Origins, here: dict[Key, Key]
) -> tuple[Departure, ...]:
    assert upgraded.after is not None
    pending = frozenset(step.revision for step in upgraded.trace.steps)
    places = Places(upgraded.trace, upgraded.project, origins, pending)
    words = Words(upgraded.after, wanted, origins, here, when="after the upgrade")
    return tuple(
        Departure(words.difference(element), blame, *places.of(element)) for element, blame in judge.departures()
    )


def _scoped(four: Four, tables: frozenset[str]) -> Four:
    known = schemas(four.base_before, four.base_after)
    either = Facts({**four.base_before.definitions, **four.base_after.definitions})
    production = Facts({**four.before.definitions, **four.after.definitions})
    return Four(
        scoped(four.before, either, tables=tables, known=known),
        scoped(four.after, either, tables=tables, known=known),
        scoped(four.base_before, production, tables=tables, known=known),
        scoped(four.base_after, production, tables=tables, known=known),
    )


def _version_tables(upgraded: Upgraded) -> frozenset[str]:
    """Return the version tables, which are no part of what revisions make."""
    named = {(each.schema or "public", each.version_table) for each in upgraded.trace.contexts}
    found = {(table.schema, table.name) for table in upgraded.restored.version_tables}
    return frozenset(f"{schema}.{name}" for schema, name in named | found)


def _incomparable(trace: Trace, history: History) -> str:
    """Return why production can't be compared with the history, "" if it can."""
    if not history.complete:
        return history.why or "the history doesn't run from base"
    if not trace.contexts:
        return "Alembic's own state was not seen"
    if len({(each.schema, each.version_table) for each in trace.contexts}) > 1:
        return "the command works with several version tables"
    graph = lineage.graph(trace)
    ran = (*trace.contexts[0].current, *(step.revision for step in trace.steps))
    lacking = sorted((lineage.ancestors(ran, graph) & graph.keys()) - set(history.revisions))
    if lacking:
        more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        return f"on an empty database the command doesn't run {', '.join(lacking[:_NAMED])}{more}"
    return ""
