"""Productions that are not UTF-8 with a locale of the C library: LATIN1, SQL_ASCII, ICU."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from alembic_rehearsal.connect import connected
from alembic_rehearsal.postgres import Cluster, databases
from fix_projects import OWNER, Production, Run, Tool, run_tool, write_project

USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))'
ASKS = """
encoding, provider = op.get_bind().execute(sa.text(
    "SELECT pg_encoding_to_char(encoding), datlocprovider FROM pg_database WHERE datname = current_database()"
)).one()
"""
TELLS = ASKS + 'raise RuntimeError(f"made as {encoding} {provider}")'
EURO = 'op.execute("""COMMENT ON TABLE users IS U&\'\\\\20AC\'""")'
STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, name text DEFAULT '{}', "gr{}n" int);
COMMENT ON TABLE users IS '{}';
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('0001');
"""
UMLAUT = {"LATIN1": b"\xfc", "SQL_ASCII": b"\xfc", "SQL_ASCII of UTF-8": "ü".encode(), "UTF8": "ü".encode()}


@contextmanager
def made(cluster: Cluster, folder: Path, options: str) -> Iterator[Production]:
    """Make a production whose CREATE DATABASE had these options."""
    name = f"production_{secrets.token_hex(4)}"
    with connected(cluster.admin) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{OWNER}'")
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {OWNER}")
        cursor.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE template0 {options}")
    try:
        yield Production(cluster, name, folder)
    finally:
        databases.drop(cluster, name)


def execute(production: Production, statement: bytes) -> None:
    """Execute text in the database's own encoding."""
    with (
        connected(replace(production.cluster.admin, dbname=production.dbname)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SET ROLE {OWNER}")
        cursor.execute("SET client_encoding = SQL_ASCII")
        cursor.execute(statement)


def failure(done: Run) -> str:
    return " ".join(str(finding["message"]) for finding in done.report["findings"])


@pytest.mark.parametrize(
    ("case", "flags"),
    [
        *((case, ()) for case in UMLAUT),
        *((case, (flag,)) for case in ("LATIN1", "SQL_ASCII") for flag in ("--create", "-Fc")),
    ],
)
def test_a_database_has_productions_encoding(
    case: str, flags: tuple[str, ...], cluster: Cluster, tmp_path: Path, rehearse: Tool
) -> None:
    """What is not ASCII is restored and reported, and what the encoding can't hold fails as it would there."""
    encoding = case.split()[0]
    collides = 'op.execute("CREATE TABLE users ()")'
    project = write_project(
        tmp_path / "project",
        {"0001": USERS, "0002": f'{ASKS}assert encoding == "{encoding}"\n{EURO}', "0003": collides},
    )
    with made(cluster, tmp_path, f"ENCODING '{encoding}' LOCALE 'C'") as production:
        execute(production, STAMPED.encode().replace(b"{}", UMLAUT[case]))
        path = tmp_path / "production.dump"
        path.write_bytes(production.pg_dump(*flags))

        done = rehearse(project, path)

    # 22P05 is untranslatable_character, 0A000 feature_not_supported.
    euro = {"LATIN1": ["22P05"], "SQL_ASCII": ["0A000"], "UTF8": []}[encoding]
    assert done.status == 1, done.stdout + done.stderr
    assert [state for _, state, _ in done.places] == [*euro, "42P07"], done.stdout
    assert any("the dump is in" in note for note in done.report["notes"]) == (encoding != "UTF8" and not flags)


@pytest.mark.parametrize("case", ["LATIN1", "SQL_ASCII"])
def test_a_snapshot_keeps_the_encoding(case: str, cluster: Cluster, tmp_path: Path, rehearse: Tool) -> None:
    """Bytes of no known encoding are taken as they are."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TELLS})
    with made(cluster, tmp_path, f"ENCODING '{case}' LOCALE 'C'") as production:
        execute(production, STAMPED.encode().replace(b"{}", UMLAUT[case]))
        execute(production, b"RESET ROLE; ALTER ROLE " + OWNER.encode() + b" LOGIN PASSWORD 'secret'")
        url = f"postgresql://{OWNER}:secret@127.0.0.1:{cluster.admin.port}/{production.dbname}"
        taken = tmp_path / "production.sql"

        snapshot = run_tool("snapshot", "-o", str(taken), cwd=project, env={"DATABASE_URL": url})
        done = rehearse(project, taken)

    assert snapshot.status == 0, snapshot.stderr
    assert (b"\xfc" in taken.read_bytes()) == (case == "SQL_ASCII")
    assert f"made as {case} c" in failure(done), done.stdout + done.stderr


def test_a_locale_that_is_not_here_costs_the_locale_alone(cluster: Cluster, tmp_path: Path, rehearse: Tool) -> None:
    """The encoding stays, and the report says with what the database was made."""
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TELLS})
    with made(cluster, tmp_path, "ENCODING 'LATIN1' LOCALE 'C'") as production:
        execute(production, STAMPED.encode().replace(b"{}", b"\xfc"))
        path = tmp_path / "production.sql"
        path.write_bytes(production.pg_dump("--create").replace(b"LOCALE = 'C'", b"LOCALE = 'tlh_QO.ISO8859-1'"))

        done = rehearse(project, path)

    assert "made as LATIN1 c" in failure(done), done.stdout + done.stderr
    assert any("was made with ENCODING 'LATIN1' LOCALE 'C'" in note for note in done.report["notes"])


def test_a_database_of_icu_gets_a_server_with_icu(cluster: Cluster, tmp_path: Path, rehearse: Tool) -> None:
    """Its locale decides how text sorts; a server without ICU is refused, and the error says who has it."""
    if not cluster.offer.icu:
        pytest.skip("the server is built without ICU")
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": TELLS})
    with made(cluster, tmp_path, "LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' ENCODING 'UTF8'") as production:
        execute(production, STAMPED.encode().replace(b"{}", b"x"))
        path = tmp_path / "production.sql"
        path.write_bytes(production.pg_dump("--create"))

        local, embedded = rehearse(project, path), rehearse(project, path, "--postgres", "embedded")

    assert "made as UTF8 i" in failure(local), local.stdout + local.stderr
    assert embedded.status == 3
    assert (
        "ICU collations: in the image postgres:15, not in the servers from wheels"
        in embedded.report["findings"][0]["message"]
    )
