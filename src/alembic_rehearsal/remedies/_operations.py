"""The operations that bring an object that is there to the wanted shape, as code that does nothing where it has it.

Alembic renders them; what it has no operation for, or no type, is SQL with PostgreSQL's own definition.
"""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.catalog import Definition, FactsDiff, Key
from alembic_rehearsal.causes._case import parts
from alembic_rehearsal.remedies._part import Part, execute, last

# NOTE: Alembic and SQLAlchemy take 0.3 s to import, so only who writes of columns does.

CONSTRAINTS = frozenset({"primary key", "unique constraint", "check constraint", "foreign key", "exclusion constraint"})
_ORDER = ("enum type", "column", "sequence", "primary key", "unique constraint", "index", "check constraint")


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
        yield Part(execute(f"ALTER INDEX IF EXISTS {before.identity} RENAME TO {last(after.identity)}"))
    elif before.kind in CONSTRAINTS:
        code = execute(f"ALTER TABLE {table} RENAME CONSTRAINT {last(before.identity)} TO {last(after.identity)}")
        yield Part(code, when=constraint_query(before.identity, table))


def _missing(key: Key, wanted: Definition) -> Iterator[Part]:
    if key.kind == "column":
        from alembic_rehearsal.remedies import _columns

        yield from _columns.added(key, wanted)
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
        table, name = key.identity.rpartition(".")[0], last(key.identity)
        code = execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {wanted['definition']}")
        yield Part(code, unless=constraint_query(key.identity, table), note=rows_against(key, wanted))


def _changed(key: Key, wanted: Definition, before: dict[str, object]) -> Iterator[Part]:
    if key.kind == "column":
        from alembic_rehearsal.remedies import _columns

        yield from _columns.altered(key, wanted, before)
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
    table, name = key.identity.rpartition(".")[0], last(key.identity)
    return Part(execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"))


def _labels(key: Key, wanted: Definition) -> Iterator[Part]:
    """Yield ADD VALUE for each label, in its place; a label that only production has can't be taken away."""
    labels = wanted["labels"]
    assert isinstance(labels, tuple)
    for number, label in enumerate(labels):
        place = f" AFTER {_literal(labels[number - 1])}" if number else ""
        yield Part(execute(f"ALTER TYPE {key.identity} ADD VALUE IF NOT EXISTS {_literal(label)}{place}"))


def constraint_query(identity: str, table: str) -> str:
    """Return the query that finds a constraint by name and table."""
    name = parts(identity)[-1]
    return f"SELECT 1 FROM pg_constraint WHERE conname = {_literal(name)} AND conrelid = {_literal(table)}::regclass"  # noqa: S608  (a catalog's own names)


def index_sql(key: Key, wanted: Definition) -> str:
    """Return the statement that makes an index, with its name in the place that facts leave open."""
    return str(wanted["definition"]).replace("INDEX ON", f"INDEX IF NOT EXISTS {last(key.identity)} ON", 1)


def rows_against(key: Key, wanted: Definition) -> str:
    """Say what rows could have against *key*, "" for nothing."""
    text = str(wanted.get("definition", ""))
    if "UNIQUE" in text or key.kind == "primary key":
        return f"rows that are double refuse {key}"
    if key.kind in ("foreign key", "check constraint", "exclusion constraint"):
        return f"rows that break {key} refuse it"
    return ""


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
