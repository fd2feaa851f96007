"""What must not be shown is not shown."""

from __future__ import annotations

import pytest

from alembic_rehearsal.masking import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CREATE ROLE r LOGIN PASSWORD 'it''s secret' VALID", "CREATE ROLE r LOGIN PASSWORD '***' VALID"),
        ("OPTIONS (user 'x', password 'secret')", "OPTIONS (user 'x', password '***')"),
        ("connect to postgresql://app:secret@db/app", "connect to postgresql://app:***@db/app"),
        ("[parameters: {'k': 'secret'}]", "[parameters: not shown]"),
        ("ALTER TABLE users ADD password text", "ALTER TABLE users ADD password text"),
        ("a time of 12:30 and user@example.com", "a time of 12:30 and user@example.com"),
    ],
)
def test_secrets_are_taken_out_and_nothing_else(text: str, shown: str) -> None:
    """Passwords of SQL and of URLs, values of statements."""
    assert masked(text) == shown
