"""SQL that stands in a string of the revision: IF [NOT] EXISTS is put into the text, in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from alembic_rehearsal.remedies._nodes import nodes
from alembic_rehearsal.remedies._rewrite import Names, quoted, under_condition
from alembic_rehearsal.remedies._spot import NotGuardableError, Spot

_NAME = r"(?:(?:[\w$]+|\"[^\"]+\")\s*\.\s*)?\"?{name}\"?(?![\w$])"
# Where IF NOT EXISTS stands: behind the words that say the kind, https://www.postgresql.org/docs/current/sql-commands.html
_KINDS = (
    r"(?:(?:TEMP|TEMPORARY|UNLOGGED|FOREIGN)\s+)?TABLE|(?:UNIQUE\s+)?INDEX(?:\s+CONCURRENTLY)?|SEQUENCE|SCHEMA|EXTENSION"
    r"|MATERIALIZED\s+VIEW"
)
_CREATE = rf"(CREATE\s+(?:{_KINDS})\s+)(?!IF\b)({_NAME})"
_ADD_COLUMN = rf"(ADD\s+(?:COLUMN\s+)?)(?!IF\b|CONSTRAINT\b|VALUE\b)({_NAME})"
_ADD_VALUE = r"(ADD\s+VALUE\s+)(?!IF\b)('{name}')"
_REPLACED = rf"(CREATE\s+)(?!OR\b)((?:VIEW|FUNCTION|PROCEDURE)\s+{_NAME})"
_DROP = (
    r"(DROP\s+(?:TABLE|INDEX(?:\s+CONCURRENTLY)?|SEQUENCE|SCHEMA|EXTENSION|(?:MATERIALIZED\s+)?VIEW|TYPE|DOMAIN|FUNCTION"
    rf"|PROCEDURE|TRIGGER|POLICY|COLUMN|CONSTRAINT)\s+)(?!IF\b)({_NAME})"
)
_RULES = (
    (_CREATE, r"\1IF NOT EXISTS \2"),
    (_ADD_VALUE, r"\1IF NOT EXISTS \2"),
    (_ADD_COLUMN, r"\1IF NOT EXISTS \2"),
    (_REPLACED, r"\1OR REPLACE \2"),
)
_DROPS = ((_DROP, r"\1IF EXISTS \2"),)
_ADD_CONSTRAINT = rf"ALTER\s+TABLE\s+(?:ONLY\s+)?((?:[\w$]+|\"[^\"]+\"|\.)+)\s+ADD\s+CONSTRAINT\s+{_NAME}"
_CREATE_TYPE = rf"CREATE\s+(?:TYPE|DOMAIN)\s+{_NAME}"


def guarded(
    spot: Spot, subject: str, kind: str, *, module: cst.Module, names: Names
) -> cst.SimpleStatementLine | cst.If:
    """Return the statement of *spot* with its SQL made to skip *subject*.

    Args:
        subject: the name that the error is about.
        kind: of the SQLSTATE, "duplicate" or "undefined".

    Raises:
        NotGuardableError: the SQL is not a string of the statement, or has no such form.
    """
    rules = _RULES if kind == "duplicate" else _DROPS
    for pattern, replacement in rules:
        found = re.compile(pattern.format(name=re.escape(subject)), re.IGNORECASE)
        changed = spot.statement
        literals: Iterator[cst.SimpleString | cst.FormattedStringText] = nodes(
            spot.statement, cst.SimpleString, cst.FormattedStringText
        )
        for literal in literals:
            text = found.sub(replacement, literal.value)
            if text != literal.value:
                new = changed.deep_replace(literal, literal.with_changes(value=text))
                changed = cst.ensure_type(new, cst.SimpleStatementLine)
        if changed is not spot.statement:
            return changed
    if kind != "duplicate":
        raise NotGuardableError("the SQL is not written out there")
    return _asked_first(spot, subject, module, names)


def _asked_first(spot: Spot, subject: str, module: cst.Module, names: Names) -> cst.If:
    """Return the statement under a question to the catalog: ADD CONSTRAINT and CREATE TYPE have no IF NOT EXISTS."""
    for literal in nodes(spot.statement, cst.SimpleString):
        text = str(literal.evaluated_value)
        if text.strip().rstrip(";").count(";"):
            continue
        quoted = subject.replace("'", "''")
        constraint = re.search(_ADD_CONSTRAINT.format(name=re.escape(subject)), text, re.IGNORECASE)
        if constraint:
            query = f"SELECT 1 FROM pg_constraint WHERE conname = '{quoted}' AND conrelid = '{constraint[1]}'::regclass"  # noqa: S608  (a catalog's own names)
            return _if_none(spot, query, module, names)
        if re.search(_CREATE_TYPE.format(name=re.escape(subject)), text, re.IGNORECASE):
            query = f"SELECT 1 FROM pg_type WHERE typname = '{quoted}' AND pg_type_is_visible(oid)"  # noqa: S608  (a catalog's own names)
            return _if_none(spot, query, module, names)
    raise NotGuardableError("the SQL is not written out there, or has no form that skips what is there")


def _if_none(spot: Spot, query: str, module: cst.Module, names: Names) -> cst.If:
    bind = "op.get_bind()" if spot.receiver == "op" or spot.batch else spot.receiver
    return under_condition(f"not {bind}.scalar({names.sa}.text({quoted(query)}))", spot.statement, module)
