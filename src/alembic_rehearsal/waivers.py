"""Findings that a project has agreed to live with for a time: read from its file, applied to what was found.

A waiver has a reason and an end. What it covers is still shown, and says so; it never covers the verdict itself.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from alembic_rehearsal import policy
from alembic_rehearsal.errors import UsageError
from alembic_rehearsal.model import Finding, Severity, Waiver

EXPIRED, UNUSED = "waiver-expired", "waiver-unused"

_MOST_DAYS = 366
_REQUIRED = ("check", "reason", "until")
_OPTIONAL = ("revision", "match")
_EXAMPLE = """    waivers:
      - check: {check}
        reason: why production can live with it
        until: {until}"""


def read(entries: Any, known: Collection[str], today: datetime.date) -> tuple[Waiver, ...]:
    """Return the waivers that a configuration file lists.

    Args:
        entries: what stands there under `waivers`.
        known: the ids of all checks.

    Raises:
        UsageError: an entry lacks a key, has one too many, or can't be followed.
    """
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        raise UsageError("waivers: a list of entries is wanted", fix=_example("not-valid-constraint", today))
    return tuple(_one(number, entry, known, today) for number, entry in enumerate(entries, 1))


def _one(number: int, entry: Mapping[str, Any], known: Collection[str], today: datetime.date) -> Waiver:
    name = f"waiver {number}"
    check = str(entry.get("check") or "")
    example = _example(check or "not-valid-constraint", today)
    for key in entry:
        if key not in (*_REQUIRED, *_OPTIONAL):
            raise UsageError(f"{name}: unknown key {key!r}; known are {', '.join((*_REQUIRED, *_OPTIONAL))}")
    for key in _OPTIONAL:
        if not isinstance(entry.get(key, ""), str):
            # An id of digits is a number to YAML, and one with a leading 0 another number.
            raise UsageError(f"{name}: {key} takes a text, not {entry[key]!r}", fix=f'In quotes: {key}: "..."')
    for key in _REQUIRED:
        if not str(entry.get(key) or "").strip():
            raise UsageError(f"{name} has no {key}", fix=example)
    if check not in known or check in (EXPIRED, UNUSED):
        raise UsageError(f"{name}: there is no check {check!r}", fix=f"These can be waived: {_waivable(known)}.")
    if check in policy.FIXED:
        raise UsageError(f"{name}: what {check} finds is the verdict itself and can't be waived")
    until = _date(name, entry["until"], example)
    if (until - today).days > _MOST_DAYS:
        raise UsageError(f"{name} is until {until}: a year is the most", fix=example)
    return Waiver(
        check=check,
        reason=" ".join(str(entry["reason"]).split()),
        until=until.isoformat(),
        revision=entry.get("revision", ""),
        match=entry.get("match", ""),
    )


def _date(name: str, value: Any, example: str) -> datetime.date:
    """Return a date of YAML's or TOML's, or a text of that form."""
    try:
        return value if type(value) is datetime.date else datetime.date.fromisoformat(str(value))
    except ValueError:
        raise UsageError(f"{name} is until {value}: a day is wanted, 2027-01-31", fix=example) from None


def _example(check: str, today: datetime.date) -> str:
    return _EXAMPLE.format(check=check, until=today + datetime.timedelta(days=30))


def _waivable(known: Collection[str]) -> str:
    return ", ".join(sorted(set(known) - policy.FIXED - {EXPIRED, UNUSED}))


def applied(
    findings: tuple[Finding, ...], waivers: Sequence[Waiver], today: datetime.date, *, complete: bool
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return *findings*, those that are waived as notes, and what is to be said of the waivers themselves.

    Args:
        complete: the upgrade went through, so that what a waiver is for would have shown.
    """
    valid = [each for each in waivers if each.until >= today.isoformat()]
    used: set[Waiver] = set()
    kept = []
    for finding in findings:
        waiver = next((each for each in valid if _covers(each, finding)), None)
        if waiver is not None:
            used.add(waiver)
        kept.append(_waived(finding, waiver) if waiver else finding)
    unused = [each for each in valid if each not in used] if complete else []
    return tuple(kept), (*_expired(each for each in waivers if each not in valid), *map(_unused, unused))


def _covers(waiver: Waiver, finding: Finding) -> bool:
    return (
        waiver.check == finding.check
        and finding.check not in policy.FIXED
        and finding.severity is not Severity.UNPROVED
        and waiver.revision in ("", finding.revision)
        and waiver.match in finding.message
    )


def _waived(finding: Finding, waiver: Waiver) -> Finding:
    return replace(
        finding,
        severity=Severity.NOTE,
        weighed=finding.weighed or finding.severity.value,
        waived=waiver,
        evidence=(*finding.evidence, f"waived until {waiver.until}: {waiver.reason}"),
    )


def _expired(waivers: Iterator[Waiver]) -> Iterator[Finding]:
    for waiver in waivers:
        yield Finding(
            check=EXPIRED,
            severity=Severity.WARNING,
            message=f"The waiver for {waiver.check}{_which(waiver)} ended on {waiver.until}: it covers nothing now",
            evidence=(f"its reason: {waiver.reason}",),
            fix="Mend what it was for, then take it out of the file. Or give it another end.",
            revision=waiver.revision,
        )


def _unused(waiver: Waiver) -> Finding:
    return Finding(
        check=UNUSED,
        severity=Severity.NOTE,
        message=f"The waiver for {waiver.check}{_which(waiver)} covers nothing that was found",
        fix="Take it out of the file.",
        revision=waiver.revision,
    )


def _which(waiver: Waiver) -> str:
    revision = f" in revision {waiver.revision}" if waiver.revision else ""
    return f'{revision}, "{waiver.match}"' if waiver.match else revision
