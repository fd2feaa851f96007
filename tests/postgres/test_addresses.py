"""Whether two URLs lead to the same server."""

from __future__ import annotations

import pytest

from alembic_rehearsal.postgres import addresses


def _off_limits(target: str, other: str) -> bool:
    one, two = addresses.parts_of(target), addresses.parts_of(other)
    assert one is not None
    assert two is not None
    return addresses.is_off_limits(one, two)


@pytest.mark.parametrize(
    ("target", "other"),
    [
        ("postgresql://u@db.example.org/x", "postgresql://v:pw@db.example.org/y"),
        ("postgresql://u@DB.example.org./x", "postgresql+asyncpg://v:pw@db.example.org:5432/y"),
        ("postgresql://u@dpg-abc-a.oregon-postgres.render.com/x", "postgres://v@dpg-abc-a/prod"),
        ("postgresql://u@localhost/prod", "postgresql+psycopg2://v@127.0.0.1:5432/prod"),
        ("postgresql://u@[::1]/prod", "postgresql:///prod"),
        ("postgresql://u@b.example.org:6432/x", "postgresql://v@a.example.org:5432,b.example.org:6432/y"),
        ("postgresql://u@203.0.113.7/x", "host=203.0.113.7 dbname=y"),
    ],
)
def test_what_the_project_names_is_off_limits(target: str, other: str) -> None:
    """Another database on a server out there as well: what else it holds is unknown."""
    assert _off_limits(target, other)


@pytest.mark.parametrize(
    ("target", "other"),
    [
        ("postgresql://u@localhost/scratch", "postgresql://v@localhost/prod"),
        ("postgresql://u@localhost:5433/prod", "postgresql://v@localhost:5432/prod"),
        ("postgresql://u@203.0.113.7/x", "postgresql://v@203.0.113.8/x"),
        ("postgresql://u@localhost/x", "postgresql://v@203.0.113.8/x"),
    ],
)
def test_what_is_something_else_may_be_used(target: str, other: str) -> None:
    """A CI job's service container has another database of the same name of host."""
    assert not _off_limits(target, other)


def test_a_shown_url_has_no_password() -> None:
    """It goes into reports."""
    parts = addresses.parts_of("postgresql+psycopg://u:secret@h:7/d?sslmode=require")
    assert parts is not None

    assert addresses.shown(parts) == "postgresql://u@h:7/d"


@pytest.mark.parametrize("text", ["auto", "local", "mysql://u@h/d", "sqlite:///x", ""])
def test_what_is_no_url_of_postgresql_is_told_apart(text: str) -> None:
    """So that --postgres can take both."""
    assert not addresses.is_url(text)
