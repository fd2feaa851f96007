"""Differences as lines that people read."""

from __future__ import annotations

import itertools
import re
from collections import Counter

from alembic_rehearsal.catalog.difference import Change, FactsDiff, Lone, Renamed
from alembic_rehearsal.catalog.facts import Definition, Key, Value

_LAST_NAME = re.compile(r'(?:[^".]|"(?:[^"]|"")*")+$')
_PLURALS = {
    "index": "indexes",
    "policy": "policies",
    "foreign key": "foreign keys",
    "default privileges": "default privileges",
    "statistics": "statistics",
}
# Attributes that are true or false and read as a word of their own.
_ADJECTIVES = frozenset({"clustered", "deterministic", "inherited", "permissive", "trusted", "valid", "validated"})
_LINKS = {
    "owner": "owner of ",
    "comment": "comment on ",
    "grant": "grant on ",
    "default privileges": "default privileges ",
}
_WIDTH = 160
_BEFORE_DIFFERENCE = 40


def sentences(diff: FactsDiff, *, before: str = "in production", after: str = "wanted") -> tuple[str, ...]:
    """Return a line for each difference; *before* and *after* say which side has a value, "in production", "wanted"."""
    return (
        *(_lone(each, after, before) for each in diff.missing),
        *(_lone(each, before, after) for each in diff.extra),
        *(_change(each, before, after) for each in diff.changed),
        *(_rename(each, before, after) for each in diff.renamed),
    )


def first_sentences(
    diff: FactsDiff, most: int, *, before: str = "in production", after: str = "wanted"
) -> tuple[str, ...]:
    """Return the first *most* lines of `sentences`, and one that counts the rest."""
    return first_lines(sentences(diff, before=before, after=after), most)


def first_lines(lines: tuple[str, ...], most: int) -> tuple[str, ...]:
    """Return the first *most* of *lines*, each about a difference, and one that counts the rest."""
    return lines[:most] + ((f"and {len(lines) - most} more differences",) if len(lines) > most else ())


def _lone(lone: Lone, has: str, lacks: str) -> str:
    brief = _brief(lone.definition)
    counts = Counter(key.kind for key in lone.folded)
    folded = ", ".join(f"{n} {kind if n == 1 else _PLURALS.get(kind, kind + 's')}" for kind, n in counts.items())
    also = f", with {folded}" if folded else ""
    return f"{_named(lone.key)}{f' ({brief})' if brief else ''}: {has}, not {lacks}{also}"


def _brief(definition: Definition) -> str:
    """Return what a reader recognises the object by; "" where the name says it."""
    words = []
    for name in ("definition", "type", "nullable", "default", "labels", "owner", "granted", "revoked", "text"):
        if name == "nullable" and definition.get(name) is False:
            words.append("NOT NULL")
        elif name == "default" and name in definition:
            words.append(f"default {_text(definition[name])}")
        elif name != "nullable" and name in definition:
            words.append(_text(definition[name]))
    line = " ".join(words)
    return line if len(line) <= _WIDTH else line[:_WIDTH] + "..."


def _named(key: Key) -> str:
    return _LINKS.get(key.kind, f"{key.kind} ") + key.identity


def _change(change: Change, before: str, after: str) -> str:
    old, new = _sides(change)
    return f"{_named(change.key)}: {old} {before}, {new} {after}"


def _sides(change: Change) -> tuple[str, str]:
    """Return what stands before the words for the two sides."""
    name, old, new = change.attribute, change.before, change.after
    if name == "nullable":
        return ("nullable", "NOT NULL") if old else ("NOT NULL", "nullable")
    if name in _ADJECTIVES:
        # What isn't there is the contrary of what is on the other side.
        true = old if old is not None else not new
        return (name, f"not {name}") if true else (f"not {name}", name)
    if old is None:
        return f"no {name}", _cut(_text(new))
    if new is None:
        return f"{name} {_cut(_text(old))}", "none"
    first, second = _around_difference(_text(old), _text(new))
    return (first if change.key.kind in _LINKS else f"{name} {first}"), second


def _rename(renamed: Renamed, before: str, after: str) -> str:
    old, new = (_last_name(key.identity) for key in (renamed.before, renamed.after))
    return f"{renamed.before.kind} on {renamed.on}: named {old} {before}, {new} {after}"


def _last_name(identity: str) -> str:
    found = _LAST_NAME.search(identity)
    return found[0] if found else identity


def _text(value: Value | None) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return " ".join(text.split()) or "''"


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[:_WIDTH] + "..."


def _around_difference(old: str, new: str) -> tuple[str, str]:
    """Return both cut to where they begin to differ, if they are long."""
    if max(len(old), len(new)) <= _WIDTH:
        return old, new
    alike = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    start = max(alike - _BEFORE_DIFFERENCE, 0)
    lead = "..." if start else ""
    return lead + _cut(old[start:]), lead + _cut(new[start:])
