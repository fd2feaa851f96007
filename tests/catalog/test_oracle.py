"""Two databases have equal facts exactly when `pg_dump -s` prints the same statements for both."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from dataclasses import replace

import psycopg2
import pytest
from hypothesis import HealthCheck, event, given, settings
from schemas import ROLES, database, dumped, pairs

from alembic_rehearsal import catalog
from alembic_rehearsal.postgres import Cluster, databases

_numbers = itertools.count(1)
# More of them look further; the suite takes a few each time, other ones each time.
_EXAMPLES = int(os.environ.get("REHEARSAL_ORACLE_EXAMPLES", "12"))


@pytest.fixture(scope="module", params=["cluster", "cluster17", "cluster18"])
def server(request: pytest.FixtureRequest) -> Cluster:
    running: Cluster = request.getfixturevalue(request.param)
    link = psycopg2.connect(**running.admin.kwargs())
    link.autocommit = True
    for role in ROLES:
        with link.cursor() as cursor, suppress(psycopg2.errors.DuplicateObject):
            cursor.execute(f"CREATE ROLE {role}")
    link.close()
    return running


@settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(pair=pairs())
def test_facts_are_equal_exactly_when_pg_dump_is(server: Cluster, pair: tuple[list[str], list[str]]) -> None:
    number = next(_numbers)
    found = []
    for side, statements in zip("ab", pair, strict=True):
        with database(server, f"oracle_{number}_{side}", statements) as endpoint:
            found.append((catalog.read(endpoint), dumped(server, endpoint)))
    (before, first), (after, second) = found
    event("equal" if first == second else "different")

    diff = catalog.difference(before, after)
    assert (before == after) == (first == second), (first - second, second - first, catalog.sentences(diff))
    assert bool(diff) == (before != after)


def test_three_thousand_tables_are_read_in_one_query(cluster: Cluster) -> None:
    """The figure stands in docs/architecture.md: under a second on an idle machine. No time is asserted."""
    databases.create(cluster, "many", template="template0")
    admin = replace(cluster.admin, dbname="many")
    link = psycopg2.connect(**admin.kwargs())
    link.autocommit = True
    with link.cursor() as cursor:
        for start in range(0, 3000, 500):
            cursor.execute(
                "".join(
                    f"CREATE TABLE t{n} (id serial PRIMARY KEY, a text NOT NULL, b int, UNIQUE (a));"
                    for n in range(start, start + 500)
                )
            )
    link.close()
    facts = catalog.read(admin)
    databases.drop(cluster, "many")

    assert sum(key.kind == "table" for key in facts.definitions) == 3000
    assert sum(key.kind == "column" for key in facts.definitions) == 9000
