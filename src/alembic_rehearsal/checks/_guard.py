"""What makes an operation a no-op where it is done already, as far as the project's own Alembic can say it."""

from __future__ import annotations

import re

from alembic_rehearsal.model import PgError
from alembic_rehearsal.sqlstate import condition

# The beginning of a statement -> Alembic's operation for it, its flag, and what to ask the inspector for without one.
_OPERATIONS = (
    (r"CREATE\s+TABLE\b", "create_table", "if_not_exists", 'if not inspector.has_table("..."):'),
    (
        r"CREATE\s+(?:UNIQUE\s+)?INDEX\b",
        "create_index",
        "if_not_exists",
        'if "..." not in {each["name"] for each in inspector.get_indexes("...")}:',
    ),
    (
        r"ALTER\s+TABLE\b.*\bADD\s+COLUMN\b",
        "add_column",
        "if_not_exists",
        'if "..." not in {each["name"] for each in inspector.get_columns("...")}:',
    ),
    (r"DROP\s+TABLE\b", "drop_table", "if_exists", 'if inspector.has_table("..."):'),
    (
        r"DROP\s+INDEX\b",
        "drop_index",
        "if_exists",
        'if "..." in {each["name"] for each in inspector.get_indexes("...")}:',
    ),
    (
        r"ALTER\s+TABLE\b.*\bDROP\s+COLUMN\b",
        "drop_column",
        "if_exists",
        'if "..." in {each["name"] for each in inspector.get_columns("...")}:',
    ),
    (
        r"ALTER\s+TABLE\b.*\bDROP\s+CONSTRAINT\b",
        "drop_constraint",
        "if_exists",
        'if "..." in {each["name"] for each in inspector.get_foreign_keys("...")}:',
    ),
)
_ASKS = '    if "..." not in {{each["name"] for each in sa.inspect(op.get_bind()).get_{}("...")}}:'
_CONSTRAINTS = (
    (r".*\bFOREIGN\s+KEY\b", "foreign_keys"),
    (r".*\bCHECK\b", "check_constraints"),
    ("", "unique_constraints"),
)
ROWS = "    INSERT INTO ... ON CONFLICT DO NOTHING\nor, without a key, WHERE NOT EXISTS (...)"
_OTHERS = (
    (
        r"CREATE\s+TYPE\b",
        "    postgresql.ENUM(..., name=..., create_type=False).create(op.get_bind(), checkfirst=True)",
    ),
    (r"ALTER\s+TYPE\b.*\bADD\s+VALUE\b", "    ALTER TYPE ... ADD VALUE IF NOT EXISTS '...'"),
    (r"(?:WITH\b.*)?INSERT\b", ROWS),
    *((rf"ALTER\s+TABLE\b.*\bADD\b{kind}", _ASKS.format(question)) for kind, question in _CONSTRAINTS),
)


def fix(sql: str, error: PgError | None, flags: frozenset[str]) -> str:
    """Return what to write instead of the operation that sent *sql*.

    Args:
        flags: what the project's Alembic takes, as `Trace.flags`.
    """
    for pattern, operation, flag, question in _OPERATIONS:
        if _begins(pattern, sql):
            if f"{operation}.{flag}" in flags:
                return f"    op.{operation}(..., {flag}=True)"
            return f"    inspector = sa.inspect(op.get_bind())\n    {question}\n        op.{operation}(...)"
    for pattern, text in _OTHERS:
        if _begins(pattern, sql):
            return text
    return condition(error.sqlstate).fix if error else ""


def _begins(pattern: str, sql: str) -> bool:
    return re.match(rf"\s*{pattern}", sql, re.IGNORECASE | re.DOTALL) is not None
