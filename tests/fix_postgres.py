"""Real servers for the tests, from the project's own providers; each xdist worker gets its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from alembic_rehearsal import postgres, workdir
from alembic_rehearsal.model import Offer
from alembic_rehearsal.postgres import Cluster, databases, docker

_numbers = itertools.count(1)


def available() -> list[Offer]:
    """Return what can be started here without Docker."""
    return postgres.offers(("local", "embedded"))[0]


@contextmanager
def started(offer: Offer) -> Iterator[Cluster]:
    """Run an offer in a run directory of its own."""
    with (
        workdir.run_directory(expected_bytes=0) as place,
        postgres.start(offer, workdir=place, password="unused") as cluster,
    ):
        cluster.ready(60)
        yield cluster


def of_engine() -> list[Offer]:
    """Return what the engine's images give, by major version; without one the test is skipped (failed if required)."""
    offered, reason = docker.offers()
    if not offered:
        pytest.skip(reason)
    return sorted(offered, key=lambda one: one.major)


def first(major: int | None, provider: str | None = None) -> Offer:
    """Return the first of that major version and provider that can be started here; without one a test is skipped."""
    for offer in available():
        if major in (None, offer.major) and provider in (None, offer.provider):
            return offer
    pytest.skip(f"no PostgreSQL {major or ''} from {provider or 'any provider'} here")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """PostgreSQL 15 of this machine, else the first server that there is."""
    local = [offer for offer in available() if (offer.provider, offer.major) == ("local", 15)]
    with started(local[0] if local else first(None)) as running:
        yield running


@pytest.fixture(scope="session")
def cluster17() -> Iterator[Cluster]:
    """PostgreSQL 17 from its wheel."""
    with started(first(17, "embedded")) as running:
        yield running


@pytest.fixture(scope="session")
def cluster18() -> Iterator[Cluster]:
    """PostgreSQL 18 from its wheel."""
    with started(first(18, "embedded")) as running:
        yield running


@pytest.fixture
def database(cluster: Cluster) -> Iterator[str]:
    """Return the name of a fresh empty database on `cluster`."""
    name = f"test_{next(_numbers)}"
    databases.create(cluster, name)
    yield name
    databases.drop(cluster, name)
