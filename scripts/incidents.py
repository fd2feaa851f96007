"""Writes docs/incidents.md, the table of the classes of incidents: `python -m scripts.incidents`.

Each row names what shows it: an incident of the tests by its id, or an example by the check that it is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "incidents.md"
CLASSES = {
    "A": "A table is there already",
    "B": "A column is there already",
    "C": "Types of enumerations",
    "D": "Constraints, indexes, sequences and others are there already",
    "E": "What is dropped or needed is missing",
    "F": "Live models in revisions",
    "H": "Something else depends on it",
    "I": "Rules of transactions",
    "J": "The version table and the graph",
    "K": "Exit status 0, and nothing done",
    "L": "Several upgrades at once",
    "N": "Half-applied revisions",
    "O": "Privileges and owners",
    "Q": "Schemas and search_path",
}


@dataclass(frozen=True)
class Row:
    """One reproduction.

    Attributes:
        check: that tells it, "" where none does.
        shown: id of an incident in the tests, or "examples/checks/" and a check.
    """

    group: str
    what: str
    check: str
    shown: str


_FAILED = "upgrade-failed"
# It passes on production and fails on every new database.
_NONE = ""
_UNTOLD = "no check: with `--divergence on` *Not tested* says where the history stops from base"


def _example(group: str, what: str, check: str) -> Row:
    return Row(group, what, check, f"examples/checks/{check}")


ROWS = (
    Row("A", "a table made by hand", _FAILED, "A1-table"),
    Row("A", "never stamped: the history begins anew over the tables", _FAILED, "A2-never-stamped"),
    Row("B", "a column made by hand", _FAILED, "B1-column"),
    Row("C", "the type is there already", _FAILED, "C1-enum"),
    Row("C", "the type is made twice by one revision", _FAILED, "C2-enum-made-twice"),
    Row("C", "a new column's type is never made", _FAILED, "C4-enum-missing"),
    Row("C", "the same, and production has the type by hand", _NONE, "C4b-enum-made-by-hand"),
    Row("C", "the label is there already", _FAILED, "C5-enum-label"),
    Row("D", "a foreign key of the same name", _FAILED, "D1-foreign-key"),
    Row("D", "a check constraint of the same name", _FAILED, "D1-check"),
    Row("D", "an index of the same name", _FAILED, "D2-index"),
    Row("D", "a unique constraint of the same name", _FAILED, "D2-unique"),
    Row("D", "a sequence", _FAILED, "D3-sequence"),
    Row("D", "a view", _FAILED, "D3-view"),
    Row("D", "a primary key", _FAILED, "D-primary-key"),
    Row("D", "a schema", _FAILED, "D-schema"),
    Row("D", "a function", _FAILED, "D-function"),
    _example("D", "an unnamed foreign key once more, under another name", "duplicate-foreign-key"),
    Row("E", "a table", _FAILED, "E1-table"),
    Row("E", "a column", _FAILED, "E1-column"),
    Row("E", "an index", _FAILED, "E1-index"),
    Row("E", "a constraint that has another name in production", _FAILED, "E2-constraint-of-another-name"),
    Row("E", "the same, and IF EXISTS passes over it", "divergence", "E2b-if-exists-of-another-name"),
    Row("E", "a table that only production has is dropped", _NONE, "E3-dropped-only-there"),
    Row("F", "a revision reads the current model, whose column comes later", _FAILED, "F1-live-model"),
    Row("F", "create_all in the first revision: production keeps the old shape", "divergence", "F2-create-all"),
    Row("H", "a column under a view of production's", _FAILED, "H1-dependant"),
    Row("H", "a type change under a view of production's", _FAILED, "H2-view-on-type-change"),
    Row("I", "an error is caught in a transaction that it has aborted", _FAILED, "I1-swallowed"),
    Row("I", "CONCURRENTLY in a transaction", _FAILED, "I2-concurrently"),
    Row("I", "a new label is used in its own transaction", _FAILED, "I3-enum-value-used"),
    _example("J", "the version row is of no revision", "stamp-unknown"),
    _example("J", "two heads", "several-heads"),
    _example("J", "a row, and one that builds on it", "version-rows-overlap"),
    _example("J", "an id that is longer than the column", "revision-id-too-long"),
    _example("J", "two files with one id", "revision-twice"),
    _example("J", "a revision slipped under an applied one", "revision-slipped-under"),
    Row("K", "env.py swallows the error", "heads-mismatch", "K1-swallowed-in-env"),
    _example("K", "a statement before context.configure: nobody commits", "heads-mismatch"),
    Row("K", "stamped, and the table is not there", "divergence", "K3-stamped-and-absent"),
    _example("K", "IF NOT EXISTS over another shape", "skipped-silently"),
    Row("K", "a guard over a type of other labels", "divergence", "K4-guard-over-other-labels"),
    Row("L", "several upgrades at the same time", "not-race-safe", "L2-four-at-once"),
    Row("N", "a column, then an index in autocommit", "not-retryable", "N1-half-applied"),
    Row("N", "a raw COMMIT in a revision", "not-retryable", "N2-raw-commit"),
    _example("N", "CONCURRENTLY failed before, and leaves an invalid index", "invalid-index"),
    Row("O", "a table of another owner's", _FAILED, "O1-owner"),
    Row("O", "no right to create in the schema public", _FAILED, "O2-schema-public"),
    _example(
        "Q",
        "a search_path that is not in the dump: the history begins anew",
        "base-on-populated",
    ),
)
# A difference that was there before: nothing pending answers for it.
_BEFORE = ", a note; `--divergence on`, or a baseline"
_WITH = {"F2-create-all": _BEFORE, "K3-stamped-and-absent": _BEFORE}
_HEAD = """# Incidents

The classes of incidents that this project knows of, from public threads, each as a small reproduction: which check
tells it, and what false alarm there is on its good twin, the same change where it does no harm. Every row is run by the
tests on a real server; `python -m scripts.incidents` writes the table.
"""
_TAIL = """What can't be seen is said in each report, under "Not tested":

| class | why |
|---|---|
| G, what depends on rows | a schema has none: [`depends-on-rows`](checks.md) names the operations, with queries |
| M, locks and time | there is no load and no size here |
| C and E, what runs on production alone | the history doesn't run from base, so nothing can be compared |
| O, row security under which an `UPDATE` changes nothing | no row is there to be passed over |
| A and F, DDL that the application issues at its own start | it is no part of the upgrade |
| J, what was slipped under production's revision or edited | git knows, and is asked with `--base` |
| N, an index that is invalid already | `pg_dump` leaves it out; a [snapshot](dump.md) names it |
"""


def page() -> str:
    """Return the page."""
    lines = ["| class | incident | told by | false alarms | shown by |", "|---|---|---|---|---|"]
    for row in ROWS:
        told = f"`{row.check}`{_WITH.get(row.shown, '')}" if row.check else _UNTOLD
        lines.append(f"| {row.group}, {CLASSES[row.group].lower()} | {row.what} | {told} | none | {row.shown} |")
    return "\n".join([_HEAD, *lines, "", _TAIL])


if __name__ == "__main__":
    PAGE.write_text(page())
