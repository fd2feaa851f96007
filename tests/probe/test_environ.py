"""No variable of the environment leads anywhere but to the throw-away server."""

from __future__ import annotations

import os

import psycopg2.extensions
import pytest
from sqlalchemy.engine import make_url

from alembic_rehearsal.probe.rehearsal_probe import dsn, environ

POINT = {"host": "127.0.0.1", "port": 54321, "user": "a b", "password": "p@ss:/w'\\rd?#", "dbname": "re/hearsal"}
THERE = {"host": "127.0.0.1", "port": "54321", "user": "a b", "password": "p@ss:/w'\\rd?#", "dbname": "re/hearsal"}


@pytest.mark.parametrize(
    ("value", "rest"),
    [
        ("postgresql://u:p@prod:5432/db", {}),
        ("postgres://u:p%40@prod/db?sslmode=require", {}),
        ("postgresql://u@h1:1,h2:2/db?target_session_attrs=read-write&connect_timeout=3", {"connect_timeout": "3"}),
        ("postgresql:///db?host=/run/postgresql&application_name=my%20app", {"application_name": "my app"}),
        ("postgresql://u:p@[::1]:5432/db", {}),
        ("postgresql://u:p@ss@prod/db", {}),
        ("postgresql://", {}),
        ("host=prod port=5432 dbname=db user=u password='a b' sslmode=verify-full options='-c search_path=x,y'",
         {"options": "-c search_path=x,y"}),
        ("service=prod", {}),
        ("dbname = 'it''s'" .replace("''", "\\'"), {}),
    ],
)  # fmt: skip
def test_a_connection_string_leads_there_and_keeps_the_rest(value: str, rest: dict[str, str]) -> None:
    """It is libpq itself that reads the result."""
    found = psycopg2.extensions.parse_dsn(dsn.rewritten(value, POINT))

    assert found == {**THERE, **rest}


@pytest.mark.parametrize("scheme", ["postgresql+psycopg2", "postgresql+asyncpg", "postgresql+pg8000", "cockroachdb"])
def test_the_driver_in_a_url_stays(scheme: str) -> None:
    """SQLAlchemy reads the result."""
    url = make_url(dsn.rewritten(f"{scheme}://u:p@prod:5432/db?ssl=require&prepared_statement_cache_size=0", POINT))

    assert (url.drivername, url.host, url.port, url.username) == (scheme, "127.0.0.1", 54321, "a b")
    assert (url.password, str(url.database).replace("%2F", "/")) == (POINT["password"], "re/hearsal")
    assert dict(url.query) == {"prepared_statement_cache_size": "0"}


@pytest.mark.parametrize(
    "value",
    ["", "x", "redis://cache:6379/0", "https://example.org/?a=b", "mysql://u:p@h/d", "--host=x", "a=b c=d", "1=2"],
)
def test_what_is_no_connection_string_stays(value: str) -> None:
    """Only PostgreSQL's own are touched."""
    assert dsn.rewritten(value, POINT) == value


def test_a_url_inside_a_longer_value_is_rewritten() -> None:
    """Settings in JSON, for instance."""
    value = '{"db": "postgresql://u:p@prod/db", "cache": "redis://c"}'

    assert dsn.rewritten(value, POINT) == value.replace("postgresql://u:p@prod/db", dsn.url(POINT))


def test_the_variables_of_libpq_lead_there() -> None:
    """Services, pass files and TLS are gone, harmless ones stay, and DATABASE_URL is there."""
    found = environ.rewritten(
        {
            "PGHOST": "prod",
            "PGHOSTADDR": "10.0.0.1",
            "PGSERVICE": "prod",
            "PGSERVICEFILE": "/etc/services",
            "PGPASSFILE": "/home/app/.pgpass",
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "x",
            "PGREQUIREAUTH": "scram-sha-256",
            "PGTARGETSESSIONATTRS": "primary",
            "PGGSSENCMODE": "require",
            "PGCHANNELBINDING": "require",
            "PGOPTIONS": "-c search_path=app",
            "PGCONNECT_TIMEOUT": "5",
            "HOME": "/home/x",
            "APP_DB": "postgresql+asyncpg://u:p@prod/x",
        },
        POINT,
        "/d",
    )

    assert found == {
        "PGHOST": "127.0.0.1",
        "PGPORT": "54321",
        "PGUSER": "a b",
        "PGPASSWORD": POINT["password"],
        "PGDATABASE": "re/hearsal",
        "PGSERVICEFILE": os.devnull,
        "PGPASSFILE": os.devnull,
        "PGSYSCONFDIR": "/d",
        "PGOPTIONS": "-c search_path=app",
        "PGCONNECT_TIMEOUT": "5",
        "HOME": "/home/x",
        "APP_DB": dsn.url(POINT, "postgresql+asyncpg"),
        "DATABASE_URL": dsn.url(POINT),
    }


def test_rewriting_twice_gives_the_second_endpoint() -> None:
    """The tool rewrites before the server is there, the probe when it is ready."""
    start = {"DATABASE_URL": "postgresql://u:p@prod/db?connect_timeout=3", "DSN": "host=prod user=u"}
    first = environ.rewritten(start, {**POINT, "user": "rehearsal_login", "password": "x y"}, "/d")

    assert environ.rewritten(first, POINT, "/d") == environ.rewritten(start, POINT, "/d")


def test_the_parts_of_a_url_are_read() -> None:
    """As they are reported for a connection that asked for them."""
    assert dsn.parse("postgresql://u%20x:p@h1:1,h2/db?sslmode=require") == {
        "user": "u x",
        "password": "p",
        "host": "h1,h2",
        "port": "1",
        "dbname": "db",
        "sslmode": "require",
    }
