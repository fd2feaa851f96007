"""Which container image has which PostgreSQL and which extensions."""

from __future__ import annotations

from collections.abc import Collection

# The official images hold all of contrib but what needs Perl or Python; the names are the same in all
# majors since 13 unless a major is given. https://www.postgresql.org/docs/current/contrib.html
_CONTRIB = frozenset(
    [
        "amcheck",
        "autoinc",
        "bloom",
        "btree_gin",
        "btree_gist",
        "citext",
        "cube",
        "dblink",
        "dict_int",
        "dict_xsyn",
        "earthdistance",
        "file_fdw",
        "fuzzystrmatch",
        "hstore",
        "insert_username",
        "intagg",
        "intarray",
        "isn",
        "lo",
        "ltree",
        "moddatetime",
        "pageinspect",
        "pg_buffercache",
        "pg_freespacemap",
        "pg_prewarm",
        "pg_stat_statements",
        "pg_trgm",
        "pg_visibility",
        "pgcrypto",
        "pgrowlocks",
        "pgstattuple",
        "postgres_fdw",
        "refint",
        "seg",
        "sslinfo",
        "tablefunc",
        "tcn",
        "tsm_system_rows",
        "tsm_system_time",
        "unaccent",
        "uuid-ossp",
        "xml2",
    ]
)
_SINCE = {14: {"old_snapshot", "pg_surgery"}, 15: {"pg_walinspect"}, 18: {"pg_logicalinspect"}}
_UNTIL = {16: {"adminpack", "old_snapshot"}}

_POSTGIS = frozenset(
    [
        "postgis",
        "postgis_topology",
        "postgis_raster",
        "postgis_sfcgal",
        "postgis_tiger_geocoder",
        "address_standardizer",
        "address_standardizer_data_us",
    ]
)
_TIMESCALE = frozenset({"timescaledb"})
_VECTOR = frozenset({"vector"})

# Images by what they add to contrib, plainest first. The last one is for combinations.
_IMAGES: tuple[tuple[str, frozenset[str]], ...] = (
    ("postgres:{major}", frozenset()),
    ("pgvector/pgvector:pg{major}", _VECTOR),
    ("postgis/postgis:{major}-3.5", _POSTGIS),
    ("timescale/timescaledb:latest-pg{major}", _TIMESCALE),
    ("timescale/timescaledb-ha:pg{major}", _VECTOR | _POSTGIS | _TIMESCALE),
)


def contrib(major: int) -> frozenset[str]:
    """Return the extensions of PostgreSQL's own distribution, as the official image holds them."""
    names = set(_CONTRIB)
    for until, more in _UNTIL.items():
        names |= more if major <= until else set()
    for since, more in _SINCE.items():
        names = names | more if major >= since else names - more
    for until, gone in _UNTIL.items():
        names -= gone if major > until else set()
    return frozenset(names)


def known(major: int) -> list[tuple[str, frozenset[str]]]:
    """Return the known images of a major version with all extensions that each has, plainest first."""
    return [(name.format(major=major), contrib(major) | added) for name, added in _IMAGES]


def image_for(major: int, extensions: Collection[str]) -> str | None:
    """Return the plainest image that has them all, None when no known image does."""
    wanted = set(extensions)
    return next((name for name, has in known(major) if wanted <= has), None)


def has(image: str, major: int) -> frozenset[str] | None:
    """Return the extensions of an image, None when it isn't a known one."""
    return next((extensions for name, extensions in known(major) if name == image), None)


def who_has(extension: str, major: int) -> str | None:
    """Return the plainest image with this extension."""
    return image_for(major, (extension,))
