"""After the upgrade production is not what the revisions make from base."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from alembic_rehearsal.checks import _departures, _lines, _names, skipped_silently
from alembic_rehearsal.model import Departure, Difference, Drift, Evidence, Finding, Severity

ID = "divergence"

_MOST = 12
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_FEW = 6
_FIX = (
    "Make the revision do on production what it does from base: ask for the difference itself (the column, its type),\n"
    "not for the table, and bring what is there already to the wanted shape."
)
_ROWS = "It reads tables whose rows are not here, and may do otherwise with them. Rehearse with the rows:\n    {flags}"
_MEANT = "If the revision means to do that, nothing is to be done."
_KNOWN = "What is known needn't be told again: alembic-rehearsal baseline --dump FILE writes it down."
_SAYS = {
    Severity.ERROR: "does not do on production what it does from base, and ends as if it had",
    Severity.WARNING: "does on production something else than from base",
    Severity.NOTE: "leaves on production something else than from base",
}
_PLURALS = {"missing": "missing", "extra": "more", "changed": "different", "renamed": "under another name"}


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each revision that departs from the history, and one note on what differed before."""
    drift = evidence.drift
    if drift is None or evidence.trace.exit_status != 0:
        return
    told = {each for key in skipped_silently.skipped(evidence) for each in skipped_silently.blamed(evidence, key)}
    groups: dict[tuple[str, Severity], list[Departure]] = {}
    unread = {revision: _unread(evidence, revision) for revision in {each.revision for each in drift.departures}}
    for each in drift.departures:
        severity = _departures.severity(each)
        if severity is Severity.ERROR and unread[each.revision]:
            severity = Severity.WARNING
        if each not in told:
            groups.setdefault((each.revision, severity), []).append(each)
    for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE):
        for (revision, weight), departures in groups.items():
            if weight is severity:
                yield _departed(revision, severity, departures, unread[revision])
    yield from _before(drift)


def _unread(evidence: Evidence, revision: str) -> tuple[str, ...]:
    """Return the tables that *revision* reads without their rows being here: with them it may decide otherwise."""
    bare = {_names.unqualified(table): table for table in evidence.bare}
    asked = [
        each.sql
        for each in evidence.trace.statements
        if each.revision
        and revision in ("", each.revision)
        and each.sql.lstrip().upper().startswith(("SELECT", "WITH"))
    ]
    # A name in a literal is asked of the catalogs, not of the table.
    words = [_names.words(_LITERAL.sub("", sql)) for sql in asked]
    return tuple(sorted({bare[name] for each in words for name in each & bare.keys()}))


def _departed(revision: str, severity: Severity, departures: list[Departure], unread: tuple[str, ...]) -> Finding:
    lines = tuple(f"{each.difference.text}; {each.blame.value}" for each in departures)
    places = (each.place for each in departures if each.place is not None)
    return Finding(
        check=ID,
        severity=severity,
        message=f"{f'Revision {revision}' if revision else 'The upgrade'} {_SAYS[severity]}: "
        f"{_counted(each.difference for each in departures)}",
        evidence=_lines.first_of(lines, _MOST),
        fix=_ROWS.format(flags=" ".join(f"--include-data {table}" for table in unread))
        if unread
        else {Severity.ERROR: _FIX, Severity.WARNING: _MEANT}.get(severity, ""),
        location=next(places, None),
        revision=revision,
    )


def _before(drift: Drift) -> Iterator[Finding]:
    """Yield a note on what differed before the upgrade, but for what the baseline knows."""
    new = [each for each in drift.before if not each.known]
    known = len(drift.before) - len(new)
    # Names alone are the least of it.
    new.sort(key=lambda each: each.sort == "renamed")
    lines = _lines.first_of(tuple(f"{each.text}; {each.origin}" for each in new), _FEW)
    if known:
        lines += (f"{known} more {'is' if known == 1 else 'are'} known: {drift.baseline}",)
    lines += tuple(f"{drift.baseline} has what is gone by now: {line}" for line in _lines.first_of(drift.gone, _FEW))
    if not new and not drift.gone:
        return
    at = ", ".join(drift.at) or "base"
    message = f"The baseline {drift.baseline} can be shortened: {len(drift.gone)} of its entries are gone"
    if new:
        message = f"Before the upgrade production differs from what the revisions up to {at} make: {_counted(new)}"
    yield Finding(check=ID, severity=Severity.NOTE, message=message, evidence=lines, fix=_KNOWN)


def _counted(differences: Iterable[Difference]) -> str:
    """Return "2 objects missing, 1 different"; an object counts once for each sort."""
    found = Counter(sort for sort, *_ in {(each.sort, each.kind, each.identity) for each in differences})
    counts = [f"{found[sort]} {word}" for sort, word in _PLURALS.items() if found[sort]]
    first, *rest = counts
    number, _, word = first.partition(" ")
    return ", ".join([f"{number} object{'s' * (number != '1')} {word}", *rest])
