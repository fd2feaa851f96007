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
