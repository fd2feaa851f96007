"""What adds a column or alters one, as Alembic renders it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import dedent

import sqlalchemy as sa
from alembic.autogenerate import render_python_code
from alembic.operations import ops

from alembic_rehearsal.catalog import Definition, Key
from alembic_rehearsal.causes._case import parts
from alembic_rehearsal.remedies import _types
from alembic_rehearsal.remedies._part import Part, execute, last


def added(key: Key, wanted: Definition) -> Iterator[Part]:
    """Yield what adds the column *key*."""
    names = parts(key.identity)
    kind = _types.of(str(wanted["type"]))
    required = wanted.get("nullable") is False
    empty = f"a table with rows refuses {key} as NOT NULL without a default" if required else ""
    note = empty if "default" not in wanted else ""
    default = wanted.get("default")
    table = key.identity.rpartition(".")[0]
    if kind is None or set(wanted) - {"type", "nullable", "default"} or "nextval(" in str(default):
        kept = " NOT NULL" if required and "nextval(" not in str(default) else ""
        extra = _generated(wanted) or (f" DEFAULT {default}" if default and "nextval(" not in str(default) else "")
        sql = f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {last(key.identity)} {wanted['type']}{extra}{kept}"
        yield Part(execute(sql), note=note)
        return
    column: sa.Column[object] = sa.Column(
        names[-1], kind, nullable=not required, server_default=sa.text(str(default)) if default is not None else None
    )
    yield Part(_rendered(ops.AddColumnOp(names[-2], column, schema=_schema(names))), note=note)


def _generated(wanted: Definition) -> str:
    if "identity" in wanted:
        return f" GENERATED {str(wanted['identity']).upper()} AS IDENTITY"
    if "generated" in wanted:
        how, _, expression = str(wanted["generated"]).partition(" ")
        return f" GENERATED ALWAYS AS {expression} {how.upper()}"
    return ""


def altered(key: Key, wanted: Definition, before: dict[str, object]) -> Iterator[Part]:
    """Yield what makes the column *key* as it is wanted; *before* has the attributes that differ, as they are."""
    table, column = key.identity.rpartition(".")[0], last(key.identity)
    if "type" in before:
        if before.get("default") is not None:
            yield Part(execute(f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT"))
        note = ""
        if not _types.wider(str(before["type"]), str(wanted["type"])):
            change = f"from {before['type']} to {wanted['type']}"
            note = f"the rows of {table} are converted {change}: one that doesn't fit fails"
        yield Part(_alter_type(key, wanted), note=note)
    if "nullable" in before:
        required = wanted.get("nullable") is False
        code = _alter(key, nullable=not required)
        yield Part(code, note=f"a row of {table} with NULL in {column} refuses NOT NULL" if required else "")
    if "default" in before and "nextval(" not in str(wanted.get("default")):
        default = wanted.get("default")
        yield Part(_alter(key, server_default=None if default is None else sa.DefaultClause(sa.text(str(default)))))


def _alter_type(key: Key, wanted: Definition) -> str:
    kind = _types.of(str(wanted["type"]))
    column, table = last(key.identity), key.identity.rpartition(".")[0]
    using = f"{column}::{wanted['type']}"
    if kind is None:
        return execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {wanted['type']} USING {using}")
    names = parts(key.identity)
    code = _rendered(ops.AlterColumnOp(names[-2], names[-1], schema=_schema(names), modify_type=kind))
    return f"{code[:-1]}, postgresql_using={using!r})"  # which Alembic does not render


def _alter(key: Key, *, nullable: bool | None = None, server_default: object = False) -> str:
    names = parts(key.identity)
    return _rendered(
        ops.AlterColumnOp(
            names[-2],
            names[-1],
            schema=_schema(names),
            modify_nullable=nullable,
            modify_server_default=server_default,
        )
    )


def _rendered(operation: ops.MigrateOperation) -> str:
    """Return *operation* as Alembic writes it into a revision."""
    lines = render_python_code(ops.UpgradeOps([operation])).splitlines()
    code = dedent("\n".join(line for line in lines if not line.lstrip().startswith("#"))).strip()
    # SQLAlchemy 2 has a type of its own for it, and the project may have 1.4; this one is in both.
    return re.sub(r",\n\s+", ", ", code).replace("sa.UUID()", "postgresql.UUID()")


def _schema(names: tuple[str, ...]) -> str | None:
    return names[-3] if len(names) > 2 and names[-3] != "public" else None
