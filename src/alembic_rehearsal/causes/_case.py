"""What a diagnosis has at hand: one failure, production's facts, the history's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alembic_rehearsal import lineage
from alembic_rehearsal.catalog import Facts, Key
from alembic_rehearsal.checks import _names
from alembic_rehearsal.history import History
from alembic_rehearsal.model import Evidence, Finding, PgError
from alembic_rehearsal.sqlstate import condition

_PART = re.compile(r'"((?:[^"]|"")+)"|([^."(]+)')
# A relation of any of these kinds takes the name from the others.
_RELATIONS = frozenset({"table", "foreign table", "view", "materialized view", "sequence", "index", "composite type"})
_TYPES = frozenset({"enum type", "domain", "range type", "composite type", "base type"})
_CONSTRAINTS = frozenset(
    {"primary key", "unique constraint", "check constraint", "foreign key", "exclusion constraint"}
)
# What each message is about, by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
_KINDS = {
    "42P07": _RELATIONS | _CONSTRAINTS,
    "42P01": _RELATIONS,
    "42701": frozenset({"column"}),
    "42703": frozenset({"column"}),
    "42P06": frozenset({"schema"}),
    "3F000": frozenset({"schema"}),
    "42723": frozenset({"function", "procedure", "aggregate"}),
    "42883": frozenset({"function", "procedure", "aggregate"}),
    "42P16": frozenset({"primary key"}),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One failure and what may explain it.

    Attributes:
        kind: of the SQLSTATE, "duplicate", "undefined", ...
        subject: the name that the error is about, "" if it names none.
        applied: the revisions that production has run, by its version rows.
        history: as far as it could be built.
        keys: what production has under the subject's name, of the kinds that the SQLSTATE is about.
    """

    finding: Finding
    error: PgError
    kind: str
    subject: str
    evidence: Evidence
    production: Facts
    history: History
    applied: frozenset[str]
    keys: tuple[Key, ...]

    @property
    def revision(self) -> str:
        """Return the revision that fails."""
        return self.finding.revision

    @property
    def stamped(self) -> str:
        """Return production's revisions as a reader would name them."""
        return ", ".join(sorted(current(self.evidence))) or "base"

    @property
    def wanted(self) -> Facts | None:
        """Return the schema as the failing revision leaves it from base, or tried alone; None if it did not run."""
        alone = self.evidence.alone
        return self.history.after(self.revision) or (alone.after(self.revision) if alone else None)

    def named(self, facts: Facts) -> tuple[Key, ...]:
        """Return what *facts* have under the subject's name, of the kinds that the SQLSTATE is about."""
        return named(facts, self.subject, self.error, self.finding.sql)


def case_of(finding: Finding, evidence: Evidence, error: PgError | None = None) -> Case | None:
    """Return the case of *finding*, None when there is too little to explain it.

    Args:
        error: what stands for the finding's own, which has none of the server's.
    """
    error = finding.error or error
    if error is None or evidence.production is None or evidence.history is None:
        return None
    known = lineage.graph(evidence.trace)
    subject = _names.subject(error)
    return Case(
        finding=finding,
        error=error,
        kind=condition(error.sqlstate).kind,
        subject=subject,
        evidence=evidence,
        production=evidence.production,
        history=evidence.history,
        applied=frozenset(lineage.ancestors(current(evidence), known)),
        keys=named(evidence.production, subject, error, finding.sql),
    )


def current(evidence: Evidence) -> frozenset[str]:
    """Return the revisions that production's version tables hold."""
    return frozenset(row for context in evidence.trace.contexts for row in context.current)


def named(facts: Facts, name: str, error: PgError, sql: str) -> tuple[Key, ...]:
    """Return the keys of *facts* that *name* may mean in *error*, the likeliest first."""
    if not name:
        return ()
    kinds = _KINDS.get(error.sqlstate, _TYPES | _CONSTRAINTS | {"index", "trigger", "policy", "extension"})
    found = [key for key in facts.definitions if key.kind in kinds and parts(key.identity)[-1:] == (name,)]
    if error.message.startswith("enum label"):
        words = _names.words(sql)
        found = [key for key in facts.definitions if key.kind == "enum type" and parts(key.identity)[-1] in words]
    # A column or a constraint is one of a table: the one that the message or the statement names.
    about = _names.quoted(error) | _names.words(sql)
    hanging = [key for key in found if len(parts(key.identity)) > 2]
    if hanging:
        of_table = [key for key in hanging if parts(key.identity)[-2] in about]
        found = [key for key in found if key not in hanging or key in of_table]
    return tuple(sorted(found, key=lambda key: (key.kind != "table", key)))


def parts(identity: str) -> tuple[str, ...]:
    """Return the names in a dotted identity, their quotes taken off; of a function without its arguments."""
    whole = identity.split("(", 1)[0]
    return tuple(quoted.replace('""', '"') if quoted else plain for quoted, plain in _PART.findall(whole))
