"""What an SQLSTATE means: the name of its condition, its kind, and what to do about it in a migration.

Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from psycopg2 import errorcodes

_KIND_BY_CLASS = {
    "01": "warning",
    "03": "transaction",
    "08": "connection",
    "09": "routine",
    "0A": "unsupported",
    "0B": "transaction",
    "0F": "data",
    "0L": "privilege",
    "0P": "undefined",
    "20": "routine",
    "21": "data",
    "22": "data",
    "23": "data",
    "24": "transaction",
    "25": "transaction",
    "26": "undefined",
    "27": "state",
    "28": "privilege",
    "2B": "dependants",
    "2D": "transaction",
    "2F": "routine",
    "34": "undefined",
    "38": "routine",
    "39": "routine",
    "3B": "transaction",
    "3D": "undefined",
    "3F": "undefined",
    "40": "race",
    "42": "definition",
    "44": "data",
    "53": "resources",
    "54": "limit",
    "55": "state",
    "57": "interrupted",
    "58": "system",
    "72": "race",
    "F0": "system",
    "HV": "foreign data",
    "P0": "routine",
    "XX": "internal",
}
_KIND_BY_CODE = {
    "23505": "data",
    "25006": "privilege",
    "28000": "privilege",
    "42501": "privilege",
    "42601": "syntax",
    "55006": "state",
    "55P03": "lock",
    "55P04": "transaction",
    "57014": "interrupted",
    **dict.fromkeys(("42701", "42P03", "42P04", "42723", "42P05", "42P06", "42P07", "42712", "42710"), "duplicate"),
    **dict.fromkeys(("42703", "42883", "42P01", "42P02", "42704"), "undefined"),
}

# What a migration can do about a condition; the operation and the names are in the finding's own lines.
_FIX = {
    "42P07": "Compare what production has with what the revision wants. If they are equal, let the revision skip it:\n"
    "    op.create_table(..., if_not_exists=True)      # Alembic 1.13.3; create_index has it too\n"
    "If they differ, bring production's to the wanted shape in the revision. `alembic stamp` only if the whole\n"
    "revision is already there: it skips everything else that the revision does.",
    "42701": "If production's column has the wanted type, let the revision skip it:\n"
    "    op.add_column(..., if_not_exists=True)        # Alembic 1.16\n"
    "It compares neither type nor nullability: alter the column where they differ.",
    "42710": "For an enum that exists, keep SQLAlchemy from creating it again:\n"
    "    postgresql.ENUM(..., name=..., create_type=False)\n"
    "For a constraint, look its name up before adding it: PostgreSQL has no ADD CONSTRAINT IF NOT EXISTS.",
    "42P06": "    op.execute('CREATE SCHEMA IF NOT EXISTS ...')",
    "42723": "    op.execute('CREATE OR REPLACE FUNCTION ...')",
    "42P16": "A table has one primary key: drop the old constraint by its name in production first.",
    "42P01": "Production lacks the relation: look for who dropped or renamed it. Where it is to be dropped anyway:\n"
    "    op.execute('DROP TABLE IF EXISTS ...')",
    "42703": "Production lacks the column: look for who dropped or renamed it, or guard the operation.",
    "42704": "Production has no object of this name; constraints and indexes often have another one there. Look the\n"
    "name up by what it does, sa.inspect(op.get_bind()).get_foreign_keys(...), instead of fixing it in the revision.",
    "42883": "Production lacks the function: the extension that has it may have to be created in an earlier revision.",
    "42501": "Let the owner of the object run the migration, or grant what is missing. --role tells another role.",
    "2BP01": "Something that only production has depends on it. Drop or change that first, by name; CASCADE would\n"
    "take along everything that depends on it.",
    "0A000": "If a view or a rule uses the column, drop it before and create it again after the change.",
    "25001": "Run the statement outside the transaction, in a revision of its own (what is before it is committed):\n"
    "    with op.get_context().autocommit_block():\n        ...",
    "25P02": "An error was caught before, and PostgreSQL refuses all that follows in the same transaction. Catching\n"
    "an exception can't guard DDL; ask first (sa.inspect), or use op.get_bind().begin_nested().",
    "55P04": "A label added by ALTER TYPE ... ADD VALUE can be used only after its transaction is committed:\n"
    "    with op.get_context().autocommit_block():\n        op.execute(\"ALTER TYPE ... ADD VALUE '...'\")",
    "55006": "Rows changed earlier in the transaction have deferred triggers pending. Alter the table in a revision\n"
    "of its own with transaction_per_migration=True, or SET CONSTRAINTS ALL IMMEDIATE first.",
    "23502": "Backfill the column in an earlier step, then set NOT NULL:\n"
    '    op.execute("UPDATE ... SET ... = ... WHERE ... IS NULL")',
    "23503": "Remove or repair the rows that point nowhere before the constraint is added.",
    "23505": "Remove the duplicates before the constraint is added; for a seed row use ON CONFLICT DO NOTHING.",
    "23514": "Repair the rows that break the check first, or add it NOT VALID and validate it later.",
    "22001": "The value is longer than the column. For version_num: shorten the revision's id, or widen the column.",
}
# A rename has no IF NOT EXISTS, and nothing that it would skip.
_FIX_OF_RENAME = {
    "42701": "Production has a column of the new name. If it is the renamed one, rename only where the old one is:\n"
    '    if "OLD" in {each["name"] for each in sa.inspect(op.get_bind()).get_columns("TABLE")}:\n        ...\n'
    "If both are there, find out which one the application writes to before one of them goes.",
    "42P07": "Production has a relation of the new name. If it is the renamed one, rename only where the old one is:\n"
    '    if sa.inspect(op.get_bind()).has_table("OLD"):\n        ...\n'
    "If both are there, find out which one the application uses before one of them goes.",
    "42710": "Production has an object of the new name. If it is the renamed one, rename only where the old one is:\n"
    "ask pg_constraint, pg_trigger, pg_type or pg_enum; else find out what uses it before it goes.",
}
_FIX_BY_KIND = {
    "duplicate": "Compare what production has with what the revision wants, then skip the operation or reconcile.",
    "undefined": "Look for who dropped or renamed it in production, and when.",
    "data": "Repair the rows first, in an earlier revision.",
    "privilege": "Let the owner of the object run the migration, or grant what is missing.",
    "syntax": "The statement is wrong for this PostgreSQL version.",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """What is known of one SQLSTATE.

    Attributes:
        name: of the condition, lower case, "duplicate_table"; the class's name where the code is unknown.
        kind: "duplicate", "undefined", "data", "transaction", "privilege", "dependants", "race", ...
    """

    sqlstate: str
    name: str
    kind: str
    fix: str


# Comments; texts and quoted names, in which a word is no keyword.
_NO_KEYWORDS = re.compile(r"""--[^\n]*|/\*.*?\*/|('(?:[^']|'')*'|"(?:[^"]|"")*")""", re.DOTALL)
_RENAME = re.compile(r"\s*ALTER\b[^;]*\bRENAME\b", re.IGNORECASE)


def condition(sqlstate: str, sql: str = "") -> Condition:
    """Return what *sqlstate* means; an unknown code falls back to its class, the first two characters.

    Args:
        sql: the statement, for a fix that fits its kind.
    """
    kind = _KIND_BY_CODE.get(sqlstate) or _KIND_BY_CLASS.get(sqlstate[:2], "other")
    return Condition(
        sqlstate=sqlstate,
        name=_name(sqlstate),
        kind=kind,
        fix=_fix(sqlstate, sql) or _FIX_BY_KIND.get(kind, ""),
    )


def _fix(sqlstate: str, sql: str) -> str:
    if sqlstate in _FIX_OF_RENAME and _RENAME.match(_NO_KEYWORDS.sub(lambda found: "x" if found[1] else " ", sql)):
        return _FIX_OF_RENAME[sqlstate]
    return _FIX.get(sqlstate, "")


def _name(sqlstate: str) -> str:
    for code in (sqlstate, sqlstate[:2]):
        try:
            return errorcodes.lookup(code).lower().removeprefix("class_")
        except KeyError:
            continue
    return "unknown"
