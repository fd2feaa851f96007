"""A server named by a URL: used with care, and left as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from alembic_rehearsal import postgres
from alembic_rehearsal.errors import ServerError, UsageError
from alembic_rehearsal.model import Need
from alembic_rehearsal.postgres import Cluster, databases, leftovers


def _execute(cluster: Cluster, statement: str, dbname: str = "postgres") -> list[tuple[object, ...]]:
    link = psycopg2.connect(**{**cluster.admin.kwargs(), "dbname": dbname})
    try:
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        link.close()


@pytest.fixture
def url(cluster17: Cluster) -> Iterator[str]:
    """An empty database of a server that others use as well."""
    _execute(cluster17, "DROP ROLE IF EXISTS ci")
    _execute(cluster17, "CREATE ROLE ci LOGIN SUPERUSER PASSWORD 'ci'")
    databases.create(cluster17, "ci")
    yield f"postgresql+psycopg2://ci:ci@localhost:{cluster17.admin.port}/ci"
    databases.drop(cluster17, "ci")
    _execute(cluster17, "DROP ROLE ci")


def _inventory(cluster: Cluster) -> tuple[object, ...]:
    return (
        _execute(cluster, "SELECT datname FROM pg_database ORDER BY 1"),
        _execute(cluster, "SELECT rolname FROM pg_roles ORDER BY 1"),
    )


def _use_and_interrupt(cluster: Cluster) -> None:
    cluster.ready(10)
    databases.create(cluster, "alembic_rehearsal_more")
    databases.clone(cluster, "alembic_rehearsal_more", "alembic_rehearsal_clone")
    _execute(cluster, "CREATE ROLE owner_of_the_dump")
    _execute(cluster, "CREATE TABLE t (i int); ALTER TABLE t OWNER TO owner_of_the_dump", cluster.admin.dbname)
    assert cluster.admin.dbname.startswith("alembic_rehearsal_")
    assert cluster.log() == ([], 0)
    raise KeyboardInterrupt


def test_it_gets_a_scratch_database_and_is_left_as_it_was(url: str, cluster17: Cluster) -> None:
    """Databases and roles of the rehearsal are dropped, on an exception too."""
    before = _inventory(cluster17)
    offer, remarks = postgres.choose(Need(17, frozenset({"hstore"})), provider=url)
    assert (offer.provider, offer.major, remarks) == ("server", 17, ())
    assert offer.location == f"postgresql://ci@localhost:{cluster17.admin.port}/ci"
    assert "ci:ci" not in repr(offer)

    with (
        pytest.raises(KeyboardInterrupt),
        postgres.start(offer, workdir=Path("/nowhere"), password="x") as cluster,
    ):
        _use_and_interrupt(cluster)

    assert _inventory(cluster17) == before


def test_a_database_with_tables_is_refused(url: str, cluster17: Cluster) -> None:
    """It is somebody's."""
    _execute(cluster17, "CREATE TABLE precious (i int)", "ci")
    with pytest.raises(UsageError, match="holds 1 tables or views: it is somebody's database"):
        postgres.choose(Need(17), provider=url)


def test_extensions_views_do_not_count_as_tables(url: str, cluster17: Cluster) -> None:
    """pg_stat_statements is in many a template."""
    _execute(cluster17, "CREATE EXTENSION pg_stat_statements", "ci")

    assert postgres.choose(Need(17), provider=url)[0].major == 17


def test_what_the_project_names_is_refused(url: str) -> None:
    """Before anything connects to it."""
    named = url.replace("localhost", "127.0.0.1").replace("ci:ci", "app:secret")
    with pytest.raises(UsageError, match="is a server that the project itself is configured to use") as caught:
        postgres.choose(Need(17), provider=url, forbidden=("sqlite:///x", named))

    assert "secret" not in str(caught.value)


def test_an_ordinary_user_is_refused(url: str, cluster17: Cluster) -> None:
    """Roles and owners of the dump could not be restored."""
    _execute(cluster17, "ALTER ROLE ci NOSUPERUSER")
    with pytest.raises(ServerError, match="is not a superuser"):
        postgres.choose(Need(17), provider=url)


def test_what_it_lacks_is_named(url: str) -> None:
    """As with every other provider."""
    with pytest.raises(ServerError, match="extension vector: in the image pgvector/pgvector:pg17"):
        postgres.choose(Need(17, frozenset({"vector"})), provider=url)


def test_another_major_is_remarked_on(url: str) -> None:
    """The user chose it, so it is used."""
    assert postgres.choose(Need(16), provider=url)[1][0].startswith("production runs PostgreSQL 16")


def test_a_server_that_does_not_answer_is_a_clear_error() -> None:
    """Without the password."""
    with pytest.raises(ServerError, match=r"postgresql://u@127.0.0.1:1/d can't be connected to") as caught:
        postgres.choose(Need(17), provider="postgresql://u:secret@127.0.0.1:1/d")

    assert "secret" not in str(caught.value)


def test_what_could_not_be_given_back_is_told(url: str, cluster17: Cluster, tmp_path: Path) -> None:
    """The dump took the user's own rights away: roles stay as the dump has them, and that is said."""
    _execute(cluster17, "CREATE ROLE app LOGIN PASSWORD 'theirs'")
    try:
        offer, _ = postgres.choose(Need(17), provider=url)
        with postgres.start(offer, workdir=tmp_path, password="x") as cluster:
            cluster.ready(10)
            _execute(cluster17, "ALTER ROLE app PASSWORD NULL; ALTER ROLE ci NOSUPERUSER; CREATE ROLE newer")

        told = leftovers.told(tmp_path)
    finally:
        _execute(cluster17, "DROP ROLE app; DROP ROLE IF EXISTS newer")

    assert len(told) == 2, told
    assert "keeps the role newer, which could not be dropped: permission denied" in told[0]
    assert "theirs could not be given back: permission denied" in told[1]
    assert ":ci@" not in "".join(told)
