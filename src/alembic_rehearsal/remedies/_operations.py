"""The operations that bring an object that is there to the wanted shape, as code that does nothing where it has it.

Alembic renders them; what it has no operation for, or no type, is SQL with PostgreSQL's own definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent

import sqlalchemy as sa
from alembic.autogenerate import render_python_code
from alembic.operations import ops

from alembic_rehearsal.catalog import Definition, FactsDiff, Key
from alembic_rehearsal.causes._case import parts
from alembic_rehearsal.remedies import _types

CONSTRAINTS = frozenset({"primary key", "unique constraint", "check constraint", "foreign key", "exclusion constraint"})
_ORDER = ("enum type", "column", "sequence", "primary key", "unique constraint", "index", "check constraint")


@dataclass(frozen=True, slots=True)
class Part:
    """One difference that is taken away.

    Attributes:
        code: Alembic operations or SQL, "op." and "sa." before them.
        unless: a query that finds something where there is nothing to do; "" for code that can be repeated.
        when: a query that finds something where there is something to do.
        note: what rows could have against it.
    """

    code: str
    unless: str = ""
    when: str = ""
    note: str = ""


def parts_of(diff: FactsDiff, wanted: dict[Key, Definition]) -> Iterator[Part]:
    """Yield what takes *diff* away, in an order in which it can be done.

    Args:
        wanted: the definitions of the wanted schema.
    """
    todo = {lone.key: None for lone in diff.missing}
    todo.update((key, None) for lone in diff.missing for key in lone.folded)
    changed: dict[Key, dict[str, object]] = {}
    for change in diff.changed:
        changed.setdefault(change.key, {})[change.attribute] = change.before
    for renamed in diff.renamed:
        yield from rename(renamed.before, renamed.after, renamed.on.identity)
    for key in sorted((*todo, *changed), key=_rank):
        if key in todo:
            yield from _missing(key, wanted[key])
        else:
            yield from _changed(key, wanted[key], changed[key])


def _rank(key: Key) -> tuple[int, Key]:
    return (_ORDER.index(key.kind) if key.kind in _ORDER else len(_ORDER), key)


def rename(before: Key, after: Key, table: str) -> Iterator[Part]:
    """Yield what gives a constraint or an index of *table* the name that *after* has."""
    if before.kind == "index":
        yield Part(execute(f"ALTER INDEX IF EXISTS {before.identity} RENAME TO {_last(after.identity)}"))
    elif before.kind in CONSTRAINTS:
        code = execute(f"ALTER TABLE {table} RENAME CONSTRAINT {_last(before.identity)} TO {_last(after.identity)}")
        yield Part(code, when=constraint_query(before.identity, table))


def _missing(key: Key, wanted: Definition) -> Iterator[Part]:
    if key.kind == "column":
        yield from _add_column(key, wanted)
    elif key.kind == "sequence" and "owned by" in wanted:
        table, column = str(wanted["owned by"]).rpartition(".")[::2]
        yield Part(
            execute(f"CREATE SEQUENCE IF NOT EXISTS {key.identity} AS {wanted['type']} OWNED BY {table}.{column}")
        )
        yield Part(execute(f"SELECT setval('{key.identity}', coalesce(max({column}), 0) + 1, false) FROM {table}"))  # noqa: S608  (a catalog's own names)
        default = f"nextval('{key.identity}'::regclass)"
        yield Part(execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {default}"))
    elif key.kind == "index":
        yield Part(execute(index_sql(key, wanted)), note=rows_against(key, wanted))
    elif key.kind in CONSTRAINTS:
        table, name = key.identity.rpartition(".")[0], _last(key.identity)
        code = execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {wanted['definition']}")
        yield Part(code, unless=constraint_query(key.identity, table), note=rows_against(key, wanted))


def _changed(key: Key, wanted: Definition, before: dict[str, object]) -> Iterator[Part]:
    if key.kind == "column":
        yield from _alter_column(key, wanted, before)
    elif key.kind == "index" or key.kind in CONSTRAINTS:
        yield dropped(key)
        yield from _missing(key, wanted)
    elif key.kind == "enum type":
        yield from _labels(key, wanted)
    elif key.kind == "view":
        yield Part(execute(f"CREATE OR REPLACE VIEW {key.identity} AS {wanted['definition']}"))


def dropped(key: Key) -> Part:
    """Return what drops a constraint or an index, if it is there."""
    if key.kind == "index":
        return Part(execute(f"DROP INDEX IF EXISTS {key.identity}"))
    table, name = key.identity.rpartition(".")[0], _last(key.identity)
    return Part(execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"))


def _add_column(key: Key, wanted: Definition) -> Iterator[Part]:
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
        sql = f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {_last(key.identity)} {wanted['type']}{extra}{kept}"
        yield Part(execute(sql), note=note)
        return
    column: sa.Column[object] = sa.Column(
        names[-1], kind, nullable=not required, server_default=sa.text(str(default)) if default is not None else None
    )
    yield Part(rendered(ops.AddColumnOp(names[-2], column, schema=_schema(names))), note=note)


def _generated(wanted: Definition) -> str:
    if "identity" in wanted:
        return f" GENERATED {str(wanted['identity']).upper()} AS IDENTITY"
    if "generated" in wanted:
        how, _, expression = str(wanted["generated"]).partition(" ")
        return f" GENERATED ALWAYS AS {expression} {how.upper()}"
    return ""


def _alter_column(key: Key, wanted: Definition, before: dict[str, object]) -> Iterator[Part]:
    table, column = key.identity.rpartition(".")[0], _last(key.identity)
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
        code = _altered(key, nullable=not required)
        yield Part(code, note=f"a row of {table} with NULL in {column} refuses NOT NULL" if required else "")
    if "default" in before and "nextval(" not in str(wanted.get("default")):
        default = wanted.get("default")
        yield Part(_altered(key, server_default=None if default is None else sa.DefaultClause(sa.text(str(default)))))


def _alter_type(key: Key, wanted: Definition) -> str:
    kind = _types.of(str(wanted["type"]))
    column, table = _last(key.identity), key.identity.rpartition(".")[0]
    using = f"{column}::{wanted['type']}"
    if kind is None:
        return execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {wanted['type']} USING {using}")
    names = parts(key.identity)
    code = rendered(ops.AlterColumnOp(names[-2], names[-1], schema=_schema(names), modify_type=kind))
    return f"{code[:-1]}, postgresql_using={using!r})"  # which Alembic does not render


def _altered(key: Key, *, nullable: bool | None = None, server_default: object = False) -> str:
    names = parts(key.identity)
    return rendered(
        ops.AlterColumnOp(
            names[-2],
            names[-1],
            schema=_schema(names),
            modify_nullable=nullable,
            modify_server_default=server_default,
        )
    )


def _labels(key: Key, wanted: Definition) -> Iterator[Part]:
    """Yield ADD VALUE for each label, in its place; a label that only production has can't be taken away."""
    labels = wanted["labels"]
    assert isinstance(labels, tuple)
    for number, label in enumerate(labels):
        place = f" AFTER {_literal(labels[number - 1])}" if number else ""
        yield Part(execute(f"ALTER TYPE {key.identity} ADD VALUE IF NOT EXISTS {_literal(label)}{place}"))


def rendered(operation: ops.MigrateOperation) -> str:
    """Return *operation* as Alembic writes it into a revision."""
    lines = render_python_code(ops.UpgradeOps([operation])).splitlines()
    code = dedent("\n".join(line for line in lines if not line.lstrip().startswith("#"))).strip()
    # SQLAlchemy 2 has a type of its own for it, and the project may have 1.4; this one is in both.
    return re.sub(r",\n\s+", ", ", code).replace("sa.UUID()", "postgresql.UUID()")


def execute(sql: str) -> str:
    """Return the call that executes *sql*; SQL with quotes of both kinds is written as it is."""
    text = sql.replace("\\", "\\\\")
    quote = '"' if '"' not in text else "'" if "'" not in text else '"""'
    if "\n" in text or quote == '"""':
        return f'op.execute("""{text}""")'
    return f"op.execute({quote}{text}{quote})"


def constraint_query(identity: str, table: str) -> str:
    """Return the query that finds a constraint by name and table."""
    name = parts(identity)[-1]
    return f"SELECT 1 FROM pg_constraint WHERE conname = {_literal(name)} AND conrelid = {_literal(table)}::regclass"  # noqa: S608  (a catalog's own names)


def index_sql(key: Key, wanted: Definition) -> str:
    """Return the statement that makes an index, with its name in the place that facts leave open."""
    return str(wanted["definition"]).replace("INDEX ON", f"INDEX IF NOT EXISTS {_last(key.identity)} ON", 1)


def rows_against(key: Key, wanted: Definition) -> str:
    """Say what rows could have against *key*, "" for nothing."""
    text = str(wanted.get("definition", ""))
    if "UNIQUE" in text or key.kind == "primary key":
        return f"rows that are double refuse {key}"
    if key.kind in ("foreign key", "check constraint", "exclusion constraint"):
        return f"rows that break {key} refuse it"
    return ""


def _last(identity: str) -> str:
    """Return the last name of a dotted identity, quoted as it stands there."""
    depth = False
    for number in range(len(identity) - 1, -1, -1):
        if identity[number] == '"':
            depth = not depth
        if identity[number] == "." and not depth:
            return identity[number + 1 :]
    return identity


def _schema(names: tuple[str, ...]) -> str | None:
    return names[-3] if len(names) > 2 and names[-3] != "public" else None


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
