"""Productions that are alive, and roles to read them with."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fix_dumps
import pytest
from fix_dumps import query

from alembic_rehearsal.model import Endpoint
from alembic_rehearsal.postgres import Cluster
from alembic_rehearsal.snapshot import Taken, take

PASSWORD = "pä's@w0rd/%&?#"
ENCODED = "p%C3%A4%27s%40w0rd%2F%25%26%3F%23"
# Rows of the catalogs that any change of a schema writes, and the next transaction's number.
TRACES = (
    "SELECT md5(string_agg(c::text, ',' ORDER BY c.oid)) FROM pg_class c",
    "SELECT md5(string_agg(a::text, ',' ORDER BY attrelid, attnum)) FROM pg_attribute a",
    "SELECT md5(string_agg(r::text, ',' ORDER BY rolname)) FROM pg_roles r",
    "SELECT md5(string_agg(s::text, ',' ORDER BY setdatabase, setrole)) FROM pg_db_role_setting s",
    "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables",
    "SELECT pg_snapshot_xmax(pg_current_snapshot())",
)


@dataclass(frozen=True)
class Live:
    """A database that stands for production.

    Attributes:
        role: who reads it.
    """

    cluster: Cluster
    dbname: str
    role: str

    @property
    def url(self) -> str:
        return self.url_of(self.role)

    def url_of(self, role: str, password: str = ENCODED) -> str:
        return f"postgresql://{role}:{password}@127.0.0.1:{self.cluster.admin.port}/{self.dbname}"

    @property
    def admin(self) -> Endpoint:
        return replace(self.cluster.admin, dbname=self.dbname)

    def execute(self, statement: str) -> list[Any]:
        return query(self.admin, statement)

    def traces(self) -> list[Any]:
        return [self.execute(each) for each in TRACES]

    def sessions(self) -> list[Any]:
        return self.execute(
            "SELECT application_name, state FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )

    def take(self, target: Path, *, url: str | None = None, progress: Callable[[str], None] | None = None) -> Taken:
        work = target.parent / f"work-{secrets.token_hex(3)}"
        work.mkdir()
        return take(self.url if url is None else url, target, workdir=work, progress=progress)


def make_reader(admin: Endpoint, role: str, grants: str) -> None:
    """Make a role that can log in, with a password that no shell and no URL likes."""
    password = PASSWORD.replace("'", "''")
    query(admin, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    if grants:
        query(admin, grants)


@pytest.fixture
def live15(cluster: Cluster) -> Iterator[Live]:
    """A small production with one invalid index, and a role that may read everything."""
    fix_dumps.wipe(cluster.admin)
    query(cluster.admin, "CREATE ROLE app_owner LOGIN")
    query(cluster.admin, "CREATE DATABASE live OWNER app_owner")
    make_reader(cluster.admin, "reader", "GRANT pg_read_all_data TO reader")
    made = Live(cluster, "live", "reader")
    made.execute(
        "SET SESSION AUTHORIZATION app_owner; CREATE SCHEMA app;"
        "CREATE TABLE app.users (id serial PRIMARY KEY, email text);"
        "INSERT INTO app.users (email) VALUES ('somebody@customer.example');"
        "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY);"
        "INSERT INTO alembic_version VALUES ('0001')"
    )
    yield made
    fix_dumps.wipe(cluster.admin)


@pytest.fixture(params=[15, 17, 18])
def live(request: pytest.FixtureRequest) -> Cluster:
    """Return a server of each major version at hand."""
    return request.getfixturevalue({15: "cluster", 17: "cluster17", 18: "cluster18"}[request.param])  # type: ignore[no-any-return]


@pytest.fixture
def shop(live: Cluster) -> Iterator[Live]:
    """A production that has one of everything."""
    fix_dumps.wipe(live.admin)
    script = str(fix_dumps.HERE / "production.sql")
    fix_dumps.program(live, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-f", script)
    make_reader(live.admin, "reader", "GRANT pg_read_all_data TO reader")
    yield Live(live, "shop", "reader")
    fix_dumps.wipe(live.admin)
