"""The meaning of SQLSTATEs."""

from __future__ import annotations

import pytest
from psycopg2 import errorcodes

from alembic_rehearsal.sqlstate import condition


@pytest.mark.parametrize(
    ("sqlstate", "name", "kind"),
    [
        ("42P07", "duplicate_table", "duplicate"),
        ("42710", "duplicate_object", "duplicate"),
        ("42P01", "undefined_table", "undefined"),
        ("23505", "unique_violation", "data"),
        ("25P02", "in_failed_sql_transaction", "transaction"),
        ("42501", "insufficient_privilege", "privilege"),
        ("2BP01", "dependent_objects_still_exist", "dependants"),
        ("40P01", "deadlock_detected", "race"),
        ("55P03", "lock_not_available", "lock"),
        ("42601", "syntax_error", "syntax"),
        ("42ZZZ", "syntax_error_or_access_rule_violation", "definition"),
        ("ZZZZZ", "unknown", "other"),
    ],
)
def test_names_the_condition_and_its_kind(sqlstate: str, name: str, kind: str) -> None:
    """A code of its own has its name and kind, an unknown one those of its class."""
    found = condition(sqlstate)

    assert (found.name, found.kind) == (name, kind)


def test_every_error_class_of_postgresql_has_a_kind() -> None:
    """No class that the server can raise is "other"; success and no-data classes are no errors."""
    classes = {value for name, value in vars(errorcodes).items() if name.startswith("CLASS_")} - {
        "00",
        "02",
        "0Z",
        "10",
    }

    assert [code for code in sorted(classes) if condition(code + "000").kind == "other"] == []


@pytest.mark.parametrize("sqlstate", ["42701", "42P07", "42710"])
@pytest.mark.parametrize(
    ("sql", "renames"),
    [
        ("ALTER TABLE users RENAME COLUMN a TO b", True),
        ("/* by us */ -- RENAME\nalter table users rename a to b", True),
        ('ALTER TABLE users ADD COLUMN "rename to" text', False),
        ("ALTER TABLE users ADD COLUMN a text DEFAULT ' RENAME '; ALTER TABLE users RENAME a TO b", False),
        ("CREATE TABLE rename ()", False),
        ("", False),
    ],
)
def test_the_fix_fits_the_statement(sqlstate: str, sql: str, renames: bool) -> None:
    """What skips an ADD COLUMN doesn't help where a column is renamed."""
    found = condition(sqlstate, sql)

    assert ("of the new name" in found.fix) is renames
    assert (found.fix == condition(sqlstate).fix) is not renames
