"""Whole runs on servers of other majors than those of distributions and wheels: 13, 14 and 16."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from alembic_rehearsal.connect import connected
from alembic_rehearsal.postgres import Cluster, databases
from fix_projects import BODY, CUTS_ALONE, OWNER, Production, Tool, run_tool, write_project
from fix_versions import FULL, bindir

pytestmark = pytest.mark.skipif(not FULL, reason="REHEARSAL_MATRIX=1")

USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))'
TOKENS = 'op.create_table("tokens", sa.Column("id", sa.Integer, primary_key=True))'
# A look at the statistics, as projects take before they build an index; then something that stays although 0003 fails.
STAYS = """
with op.get_context().autocommit_block():
    op.execute("SELECT n_live_tup FROM pg_stat_user_tables")
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS users_name")
    op.execute("CREATE INDEX CONCURRENTLY users_name ON users (name)")
"""
STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, name text);
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('0001');
"""


@pytest.fixture(params=[13, 14, 16])
def production(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Production]:
    """A production on a server of this major."""
    server: Cluster = request.getfixturevalue(f"cluster{request.param}")
    with connected(server.admin) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{OWNER}'")
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD 'secret'")
            cursor.execute("CREATE ROLE somebody SUPERUSER LOGIN PASSWORD 'x'")
    name = f"production_{secrets.token_hex(4)}"
    databases.create(server, name, owner=OWNER)
    yield Production(server, name, tmp_path)
    databases.drop(server, name)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "project", {"0001": USERS, "0002": STAYS, "0003": TOKENS})


def path_to(production: Production) -> dict[str, str]:
    """Return an environment in whose PATH the production's own server is found first."""
    return {"PATH": f"{bindir(production.cluster.offer.major)}:{os.environ['PATH']}"}


def test_it_is_rehearsed_on_its_own_major(production: Production, project: Path, rehearse: Tool) -> None:
    """What passes there passes here; what collides is found, and what would stay is read from the catalogs."""
    production.execute(STAMPED)
    passing = rehearse(project, production.dump(), env=path_to(production))
    production.execute("CREATE VIEW tokens AS SELECT 1")

    blocked = rehearse(project, production.dump(), env=path_to(production))

    assert passing.status == 0, passing.stdout + passing.stderr
    server = passing.report["server"]
    assert (server["provider"], server["major"]) == ("local", production.cluster.offer.major)
    assert passing.report["to_revisions"] == ["0003"]
    assert blocked.places == [("0003", "42P07", BODY)]
    assert "production has view public.tokens" in blocked.errors[0]["evidence"][0]
    assert "users_name" in str(blocked.report["state_left"])


def test_a_deploy_that_dies_is_tried_on_it(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    """Its commits can be held, and each is told from the others by its time."""
    production.execute(STAMPED)
    unguarded = STAYS.replace("DROP INDEX CONCURRENTLY IF EXISTS users_name", "SELECT 1")
    project = write_project(tmp_path / "bad", {"0001": USERS, "0002": unguarded})

    done = rehearse(project, production.dump(), *CUTS_ALONE, env=path_to(production))

    assert done.status == 1, done.stdout + done.stderr
    assert done.places == [("0002", "42P07", BODY + 3)]
    assert done.errors[0]["folded"] == [f"the same if it dies after migrations/versions/0002.py:{BODY + 3}"]


def test_a_given_server_of_it_is_used(production: Production, project: Path, rehearse: Tool) -> None:
    """With --postgres and a URL, on a scratch database."""
    production.execute(STAMPED + "CREATE TABLE tokens (id int)")
    port = production.cluster.admin.port

    done = rehearse(project, production.dump(), "--postgres", f"postgresql://somebody:x@127.0.0.1:{port}/postgres")

    assert done.status == 1, done.stdout + done.stderr
    assert done.report["server"]["provider"] == "server"
    assert done.report["server"]["major"] == production.cluster.offer.major
    assert done.places == [("0003", "42P07", BODY)]
    assert "users_name" in str(done.report["state_left"])


def test_a_snapshot_of_it_is_rehearsed(production: Production, project: Path) -> None:
    """Taken by its owner, with the newest pg_dump at hand, and rehearsed at once."""
    production.execute(STAMPED)
    port = production.cluster.admin.port
    url = f"postgresql://{OWNER}:secret@127.0.0.1:{port}/{production.dbname}"
    taken = project / "production.sql.gz"

    snapshot = run_tool("snapshot", "-o", str(taken), cwd=project, env={"DATABASE_URL": url})
    done = run_tool("run", "--dump", str(taken), cwd=project, env=path_to(production))

    assert snapshot.status == 0, snapshot.stderr
    assert done.status == 0, done.stdout + done.stderr
    assert f"PostgreSQL {production.cluster.offer.version} (local)" in done.stdout
