"""What of a schema is compared, and in which words: see the package's docstring for what is left out, and why."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from alembic_rehearsal.catalog import Definition, Facts, Key, Value

_KINDS = frozenset(
    {
        *("owner", "grant", "default privileges", "security label", "extension", "publication", "published table"),
        *("subscription", "user mapping", "server", "foreign-data wrapper", "event trigger"),
    }
)
# What `invalid-index` tells, and what a DBA tunes.
_ATTRIBUTES = frozenset({"tablespace", "clustered", "statistics", "valid"})
# Supabase's own schemas, beside an application's, and where Heroku keeps extensions:
# https://help.heroku.com/ZOFBHJCJ/heroku-postgres-extension-schema-restrictions
_PLATFORM = frozenset(
    {
        *("auth", "storage", "realtime", "_realtime", "graphql", "graphql_public", "vault", "extensions", "net"),
        *("pgbouncer", "pgsodium", "pgsodium_masks", "supabase_functions", "supabase_migrations", "_analytics", "cron"),
        "heroku_ext",
    }
)
# initdb writes it, and a production whose schema public was dropped and made again is without it:
# https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PUBLIC
_STANDARD = ("comment", "schema public")
_SCHEMA = re.compile(r'((?:"(?:[^"]|"")+")|[^."(\s]+)\.')
_TEXTS = frozenset({"definition", "default", "generated", "using", "with check", "where"})
# CHECK (status IN ('a', 'b')) on a varchar column is written with its casts in other places once it was restored.
_CAST = re.compile(r'::(?:text|character varying|bpchar|character|"char")(?:\(\d+\))?(?:\[\])?')
_AROUND = re.compile(r"\s*([^\w\s\"])\s*")


def schema_of(key: Key, facts: Facts) -> str:
    """Return the schema that *key*, or what it hangs on, stands in, quoted where SQL would; "" where it is in none."""
    about = facts.parents.get(key, key)
    found = _SCHEMA.match(about.identity)
    return found[1] if found else ""


def scoped(facts: Facts, other: Facts, *, tables: Collection[str], known: Collection[str]) -> Facts:
    """Return of *facts* what is compared with *other*, in words that are equal where the meaning is.

    Args:
        tables: the version tables.
        known: the schemas that the revisions know something in.
    """
    partitions = {
        key.identity
        for key, definition in facts.definitions.items()
        if key.kind == "table" and "partition of" in definition and key not in other
    }
    left = facts.without(kinds=_KINDS, tables={*tables, *partitions})
    keys = {key for key in left.definitions if _counts(key, left, known)}
    kept = left.only(keys)
    return Facts({key: canonical(value) for key, value in kept.definitions.items()}, kept.parents, kept.positions)


def _counts(key: Key, facts: Facts, known: Collection[str]) -> bool:
    if key.kind == "schema":
        return key.identity in known or key.identity not in _PLATFORM
    if (key.kind, key.identity) == _STANDARD:
        return False
    schema = schema_of(key, facts)
    return not schema or schema in known


def canonical(definition: Definition) -> Definition:
    """Return *definition* without what says nothing, its expressions without parentheses and casts of strings."""
    return {name: _bare(name, value) for name, value in definition.items() if name not in _ATTRIBUTES}


def _bare(name: str, value: Value) -> Value:
    if name not in _TEXTS or not isinstance(value, str):
        return value
    words = " ".join(re.sub(r"[()\s]+", " ", _CAST.sub("", value)).split())
    return _AROUND.sub(r"\1", words)


def schemas(*facts: Facts) -> frozenset[str]:
    """Return the schemas that *facts* have something in, or as objects of their own."""
    found = {schema_of(key, each) for each in facts for key in each.definitions}
    found.update(key.identity for each in facts for key in each.definitions if key.kind == "schema")
    return frozenset(found - {""})


def called(facts: Facts, names: Mapping[Key, Key]) -> Facts:
    """Return *facts* with the keys of *names* replaced."""
    if not names:
        return facts
    return Facts(
        {names.get(key, key): value for key, value in facts.definitions.items()},
        {names.get(key, key): names.get(parent, parent) for key, parent in facts.parents.items()},
        {names.get(key, key): value for key, value in facts.positions.items()},
    )
