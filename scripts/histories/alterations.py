"""What somebody may have done to production by hand, made from what the pending revisions do."""

from __future__ import annotations

from dataclasses import dataclass

from .production import Server

# Objects of extensions are left out: nobody makes or misses them one by one.
_FOREIGN = "NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e' AND d.objid = {oid})"
_TABLES = f"""
SELECT 'table', c.relname, '', '' FROM pg_class c
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND {_FOREIGN.format(oid="c.oid")}
UNION ALL
SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND {_FOREIGN.format(oid="c.oid")}
UNION ALL
SELECT 'enum', t.typname, '', string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
  FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
 WHERE t.typnamespace = 'public'::regnamespace GROUP BY t.typname
UNION ALL
SELECT 'index', c.relname, i.relname, pg_get_indexdef(i.oid) FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
 WHERE c.relnamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'constraint', c.relname, k.conname, k.contype::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
 WHERE c.relnamespace = 'public'::regnamespace AND k.contype IN ('c', 'f', 'p', 'u')
"""

Key = tuple[str, str, str]
"""Kind, table (or type), name in it."""


@dataclass(frozen=True, slots=True)
class Alteration:
    """One thing done to production by hand.

    Attributes:
        kind: "table present", "column missing", "stamped back", ...
        what: the object that it was done to.
        statements: SQL that does it.
    """

    kind: str
    what: str
    statements: tuple[str, ...]


def catalog(server: Server, name: str) -> dict[Key, str]:
    """Return what a production's schema holds: kind, table and name -> definition."""
    return {(str(kind), str(table), str(item)): str(text) for kind, table, item, text in server.rows(name, _TABLES)}


def propose(before: dict[Key, str], after: dict[Key, str], *, at: str, down: tuple[str, ...]) -> list[Alteration]:
    """Return one alteration of every kind that fits a history that goes from *before* to *after*.

    Which object of several it is depends on the revision's place in the history only, so that a second run does the
    same.
    """
    tables = {table for kind, table, _ in before if kind == "table"}
    new = sorted(key for key in after if key not in before)
    gone = sorted(key for key in before if key not in after)
    turn = sum(map(ord, at))
    found = [_present(kind, new, after, tables, before, turn) for kind in ("table", "column", "enum", "index")]
    found.append(_present("constraint", new, after, tables, before, turn))
    found += [_missing(kind, gone, tables, turn) for kind in ("table", "column", "index", "constraint")]
    found.append(_renamed_table(new, tables, turn))
    if len(down) == 1:
        found.append(_stamp(at, down[0]))
    return [each for each in found if each is not None]


def _has_order(column_type: str) -> bool:
    """Say whether an ordinary index can be made on a column of this type; json has no order."""
    return column_type.startswith(("integer", "bigint", "character", "text", "uuid", "timestamp"))


def _pick(keys: list[Key], turn: int) -> Key | None:
    return keys[turn % len(keys)] if keys else None


def _present(
    kind: str, new: list[Key], after: dict[Key, str], tables: set[str], before: dict[Key, str], turn: int
) -> Alteration | None:
    candidates = [key for key in new if key[0] == kind and (kind in ("table", "enum") or key[1] in tables)]
    if (key := _pick(candidates, turn)) is None:
        return None
    _, table, name = key
    columns = [
        each for (sort, owner, each), of in before.items() if (sort, owner) == ("column", table) and _has_order(of)
    ]
    column = f'"{columns[0]}"' if columns else "(1)"
    # Somebody who was quicker than the revision didn't have its enum type either.
    made = {each for sort, each, _ in new if sort == "enum"}
    of_type = "text" if after[key].strip('"') in made else after[key]
    statement = {
        "table": f'CREATE TABLE "{table}" (made_by_hand integer)',
        "column": f'ALTER TABLE "{table}" ADD COLUMN "{name}" {of_type}',
        "enum": f'CREATE TYPE "{table}" AS ENUM ({after[key]})',
        "index": f'CREATE INDEX "{name}" ON "{table}" ({column})',
        "constraint": f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" CHECK (true)',
    }[kind]
    return Alteration(f"{kind} present", ".".join(part for part in (table, name) if part), (statement,))


def _missing(kind: str, gone: list[Key], tables: set[str], turn: int) -> Alteration | None:
    dropped = {key[1] for key in gone if key[0] == "table"}
    candidates = [
        key for key in gone if key[0] == kind and (kind == "table" or (key[1] in tables and key[1] not in dropped))
    ]
    if (key := _pick(candidates, turn)) is None:
        return None
    _, table, name = key
    statement = {
        "table": f'ALTER TABLE "{table}" RENAME TO "{table}_by_hand"',
        "column": f'ALTER TABLE "{table}" DROP COLUMN "{name}" CASCADE',
        "index": f'DROP INDEX "{name}"',
        "constraint": f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}" CASCADE',
    }[kind]
    return Alteration(f"{kind} missing", ".".join(part for part in (table, name) if part), (statement,))


def _renamed_table(new: list[Key], tables: set[str], turn: int) -> Alteration | None:
    """Take away a table that gets a new column."""
    candidates = [key for key in new if key[0] == "column" and key[1] in tables and key[1] != "alembic_version"]
    if (key := _pick(candidates, turn)) is None:
        return None
    statement = f'ALTER TABLE "{key[1]}" RENAME TO "{key[1]}_by_hand"'
    return Alteration("table missing", key[1], (statement,))


def _stamp(at: str, down: str) -> Alteration:
    statement = f"UPDATE alembic_version SET version_num = '{down}' WHERE version_num = '{at}'"
    return Alteration("stamped back", f"to {down}", (statement,))
