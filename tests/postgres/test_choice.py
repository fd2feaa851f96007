"""Which server a dump gets, from offers made by hand."""

from __future__ import annotations

import pytest

from alembic_rehearsal.errors import ServerError, UsageError
from alembic_rehearsal.model import Need, Offer
from alembic_rehearsal.postgres import choice, docker, embedded, engine, images, local
from fix_postgres import of_engine

_LOCAL_15 = Offer("local", 15, "15.18", "/pg15", frozenset({"hstore", "uuid-ossp"}))
_LOCAL_16 = Offer("local", 16, "16.4", "/pg16", frozenset({"hstore"}))
_LOCAL_16_LATER = Offer("local", 16, "16.14", "/pg16b", frozenset({"hstore"}))
_WHEEL_17 = Offer(
    "embedded", 17, "17.10", "/w17", frozenset({"hstore", "uuid-ossp"}), frozenset({"uuid-ossp"}), icu=False
)
_WHEEL_18 = Offer("embedded", 18, "18.6", "/w18", frozenset({"hstore", "vector"}), icu=False)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Offer]:
    """What this machine offers: a list to fill; the engine doesn't answer."""
    offered: list[Offer] = []

    def of(name: str) -> tuple[list[Offer], str]:
        mine = [offer for offer in offered if offer.provider == name]
        return mine, "" if mine else f"no {name} here"

    monkeypatch.setattr(local, "offers", lambda: of("local"))
    monkeypatch.setattr(embedded, "offers", lambda: of("embedded"))
    monkeypatch.setattr(docker, "offers", lambda: of("docker"))
    return offered


def test_the_exact_major_comes_first(here: list[Offer]) -> None:
    """Without a word, since it is what production has."""
    here += [_LOCAL_15, _WHEEL_17, _WHEEL_18]

    assert choice.choose(Need(17)) == (_WHEEL_17, ())
    assert choice.choose(Need(15)) == (_LOCAL_15, ())


def test_of_two_minors_the_later_is_taken(here: list[Offer]) -> None:
    """Numbers, not texts: 16.14 is later than 16.4."""
    here += [_LOCAL_16, _LOCAL_16_LATER]

    assert choice.choose(Need(16)) == (_LOCAL_16_LATER, ())


def test_an_exact_major_without_the_extension_is_not_taken(here: list[Offer]) -> None:
    """Better the nearest newer one that has it, and say so."""
    here += [_LOCAL_15, _LOCAL_16, _WHEEL_17]
    offer, remarks = choice.choose(Need(16, frozenset({"uuid-ossp"})))

    assert offer == _WHEEL_17
    assert remarks[0].startswith("production runs PostgreSQL 16, the rehearsal ran on 17.10 (embedded)")
    assert remarks[1].startswith("uuid-ossp is not part of this server")


def test_an_older_major_is_the_last_choice(here: list[Offer]) -> None:
    """It may lack what production's schema uses."""
    here += [_LOCAL_15, _LOCAL_16]

    assert choice.choose(Need(17))[0] == _LOCAL_16


def test_icu_rules_the_wheels_out(here: list[Offer]) -> None:
    """They are built without it."""
    here += [_LOCAL_15, _WHEEL_17]

    assert choice.choose(Need(17, icu=True))[0] == _LOCAL_15


def test_a_dump_that_does_not_say_gets_the_newest(here: list[Offer]) -> None:
    """With a remark."""
    here += [_LOCAL_15, _WHEEL_17, _WHEEL_18]
    offer, remarks = choice.choose(Need(None))

    assert offer == _WHEEL_18
    assert remarks == ("the dump does not say which PostgreSQL it comes from: rehearsed on 18.6 (embedded)",)


def test_a_missing_extension_is_named_with_who_has_it(here: list[Offer]) -> None:
    """And with what is here instead."""
    here += [_LOCAL_15]
    with pytest.raises(ServerError) as caught:
        choice.choose(Need(15, frozenset({"vector", "hstore"})))

    text = str(caught.value)
    assert "extension vector: in the image pgvector/pgvector:pg15" in text
    assert "local 15.18 (/pg15) lacks vector" in text
    assert "docker: no docker here" in text
    assert caught.value.fix == "docker pull pgvector/pgvector:pg15"


def test_an_extension_that_nobody_has_is_said_to_be_that(here: list[Offer]) -> None:
    """The user may know an image."""
    here += [_LOCAL_15]
    with pytest.raises(ServerError, match="extension pg_cron: in no image that is known") as caught:
        choice.choose(Need(15, frozenset({"pg_cron"})))

    assert "--postgres-image" in caught.value.fix


def test_a_named_provider_is_the_only_one_asked(here: list[Offer]) -> None:
    """Also when another would fit better."""
    here += [_LOCAL_15, _WHEEL_17]

    assert choice.choose(Need(15), provider="embedded")[0] == _WHEEL_17


def test_an_unknown_provider_is_wrong_usage() -> None:
    """Exit 2, not 3."""
    with pytest.raises(UsageError, match="'podman' is no provider"):
        choice.choose(Need(15), provider="podman")
    with pytest.raises(UsageError, match="not for local"):
        choice.choose(Need(15), provider="local", image="postgres:15")


@pytest.mark.parametrize(
    ("extensions", "image"),
    [
        ((), "postgres:16"),
        (("hstore", "uuid-ossp"), "postgres:16"),
        (("vector", "hstore"), "pgvector/pgvector:pg16"),
        (("postgis_topology",), "postgis/postgis:16-3.5"),
        (("timescaledb",), "timescale/timescaledb:latest-pg16"),
        (("timescaledb", "vector"), "timescale/timescaledb-ha:pg16"),
        (("nobody_has_this",), None),
    ],
)
def test_the_plainest_image_with_all_extensions_is_known(extensions: tuple[str, ...], image: str | None) -> None:
    """A table, no registry."""
    assert images.image_for(16, extensions) == image


def test_contrib_changes_with_the_major() -> None:
    """Adminpack went, pg_walinspect came."""
    assert "adminpack" in images.contrib(16)
    assert "adminpack" not in images.contrib(17)
    assert "pg_walinspect" not in images.contrib(14)
    assert "old_snapshot" not in images.contrib(13)
    assert "old_snapshot" in images.contrib(16)


@pytest.mark.docker
def test_an_image_of_one_s_own_is_asked_for_its_major() -> None:
    """Its tag needn't say it; what is in it shows at the restore."""
    offered = of_engine()
    with engine.connected(10) as api:
        api.tag(offered[0].location, "rehearsal-test", tag="mine")
    try:
        offer, remarks = choice.choose(Need(offered[0].major, frozenset({"vector"})), image="rehearsal-test:mine")
    finally:
        with engine.connected(10) as api:
            api.remove_image("rehearsal-test:mine", noprune=True)

    assert (offer.provider, offer.major, offer.extensions) == ("docker", offered[0].major, None)
    assert remarks == ("whether rehearsal-test:mine has vector shows at the restore",)


@pytest.mark.docker
def test_an_image_that_cannot_be_had_is_a_clear_error() -> None:
    """Before anything else is done."""
    of_engine()
    with pytest.raises(ServerError, match="the image rehearsal-test:none is not here and can't be pulled"):
        choice.choose(Need(15), image="rehearsal-test:none")
