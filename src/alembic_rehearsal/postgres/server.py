"""A server that somebody else runs, named by a URL: scratch databases on it, dropped afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class whose name is in lower case
from psycopg2.extensions import make_dsn

from alembic_rehearsal.errors import RehearsalError, ServerError, UsageError
from alembic_rehearsal.model import Endpoint, LogRecord, Offer
from alembic_rehearsal.postgres import addresses, databases, leftovers
from alembic_rehearsal.postgres.cluster import Cluster

NAME = "server"


# What a user made: not the system's, not an extension's.
_USER_RELATIONS = """
SELECT count(*)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
  )
"""

_FACTS = """
SELECT pg_catalog.pg_is_in_recovery(),
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
       (SELECT array_agg(name::text) FROM pg_catalog.pg_available_extensions WHERE name <> 'plpgsql'),
       EXISTS (SELECT FROM pg_catalog.pg_collation WHERE collprovider = 'i')
"""

# https://www.postgresql.org/docs/current/catalog-pg-authid.html
_COLUMNS = """rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
    rolpassword, rolvaliduntil"""
# As text, since psycopg2 has no infinity.
_ATTRIBUTES = f"SELECT rolname, {_COLUMNS}::text FROM pg_catalog.pg_authid"  # noqa: S608 - constants
_RESTORED = f"""
UPDATE pg_catalog.pg_authid SET ({_COLUMNS}) = ROW %s
WHERE rolname = %s AND ROW({_COLUMNS}) IS DISTINCT FROM ROW %s
"""  # noqa: S608 - constants


def offers() -> tuple[list[Offer], str]:
    """Return nothing: a server isn't looked for, it is named."""
    return [], "only a URL given with --postgres is used"


def offer_for(url: str, *, forbidden: Collection[str] = ()) -> Offer:
    """Return what the server at this URL is.

    Args:
        url: as libpq or SQLAlchemy write it.
        forbidden: URLs that the project's configuration or its environment names.

    Raises:
        UsageError: the URL can't be read, or must not be used.
        ServerError: the server can't be reached or can't do what a rehearsal needs.
    """
    target = addresses.parts_of(url)
    if target is None:
        message = "the URL of the server can't be read"
        raise UsageError(message, fix="--postgres postgresql://user:password@localhost:5432/postgres")
    for other in forbidden:
        found = addresses.parts_of(other)
        if found is not None and addresses.is_off_limits(target, found):
            message = f"{addresses.shown(target)} is a server that the project itself is configured to use"
            raise UsageError(message, fix="name a server that holds nothing of value, or leave out --postgres")
    with _connected(target) as link:
        version = (link.get_parameter_status("server_version") or "").split(" ")[0]
        standby, superuser, extensions, icu = _facts(link, target)
        major = link.server_version // 10000
    if standby:
        message = f"{addresses.shown(target)} is a read-only standby"
        raise ServerError(message)
    if not superuser:
        message = f"the user of {addresses.shown(target)} is not a superuser, and restoring owners and roles needs one"
        raise ServerError(message, fix="ALTER ROLE ... SUPERUSER on the server, or leave out --postgres")
    return Offer(NAME, major, version, addresses.shown(target), frozenset(extensions or ()), icu=icu, dsn=url)


@contextmanager
def start(
    offer: Offer,
    *,
    workdir: Path,
    port: int | None = None,  # noqa: ARG001
    password: str,  # noqa: ARG001
    trusted: Collection[str] = (),  # noqa: ARG001 - its control files are out of reach
    log_statement: str = "none",  # noqa: ARG001
    expected_bytes: int | None = None,  # noqa: ARG001
) -> Iterator[Cluster]:
    """Make a scratch database on it; see `postgres.start`."""
    target = addresses.parts_of(offer.dsn)
    if target is None:
        message = f"{offer.location} can't be read"
        raise ServerError(message)
    cluster = _GivenCluster(offer, target)
    scratch = f"alembic_rehearsal_{secrets.token_hex(6)}"
    before = cluster.roles()
    kept = _query(cluster.admin, _ATTRIBUTES)
    home = cluster.admin
    try:
        databases.create(cluster, scratch)
        cluster.admin = Endpoint(home.host, home.port, home.user, scratch, home.password)
        yield cluster
    finally:
        cluster.admin = home
        leftovers.tell(workdir, (*_clear(cluster, before), *_give_back(cluster, kept)))


class _GivenCluster:
    """The part of somebody else's server that is ours for the moment."""

    has_log = False
    fenced = ""
    container = ""

    def __init__(self, offer: Offer, target: dict[str, str]) -> None:
        self.offer = offer
        self.admin = Endpoint(
            target["host"], int(target["port"]), target["user"], target["dbname"], target.get("password", "")
        )
        self.created: list[str] = []

    def ready(self, timeout_s: float) -> None:
        """See `Cluster.ready`."""
        try:
            psycopg2.connect(**self.admin.kwargs(), connect_timeout=max(2, int(timeout_s))).close()
        except psycopg2.OperationalError as error:
            message = f"{self.offer.location} can't be connected to any more: {str(error).strip()}"
            raise ServerError(message) from error

    def endpoint(self, dbname: str, *, user: str, password: str) -> Endpoint:
        """See `Cluster.endpoint`; here it is the server's own address."""
        return Endpoint(self.admin.host, self.admin.port, user, dbname, password)

    def log(self, since: int = 0) -> tuple[list[LogRecord], int]:
        """Return nothing: the log of somebody else's server can't be read."""
        return [], since

    def log_mark(self) -> int:
        """See `Cluster.log_mark`."""
        return 0

    def roles(self) -> frozenset[str]:
        """Return the names of all roles on it."""
        return frozenset(name for (name,) in _query(self.admin, "SELECT rolname FROM pg_catalog.pg_roles"))


def _clear(cluster: _GivenCluster, before: frozenset[str]) -> Iterator[str]:
    """Drop our databases, then the roles that came with the dump and own nothing elsewhere; yield what is left."""
    for name in tuple(cluster.created):
        try:
            databases.drop(cluster, name)
        except RehearsalError as error:
            yield f"{cluster.offer.location} keeps the database {name}, which could not be dropped: {error}"
    try:
        for role in sorted(cluster.roles() - before):
            yield from _drop(cluster, role)
    except (ServerError, psycopg2.Error) as error:
        yield f"roles of the dump may be left on {cluster.offer.location}: {_words(error)}"


def _drop(cluster: _GivenCluster, role: str) -> Iterator[str]:
    try:
        with _connected_to(cluster.admin) as link, link.cursor() as cursor:
            cursor.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    except psycopg2.Error as error:
        yield f"{cluster.offer.location} keeps the role {role}, which could not be dropped: {_words(error)}"


def _give_back(cluster: _GivenCluster, kept: list[tuple[Any, ...]]) -> Iterator[str]:
    """Let roles that were there before, of a dump's names, have the attributes and the password that they had."""
    try:
        with _connected_to(cluster.admin) as link, link.cursor() as cursor:
            for role in kept:
                cursor.execute(_RESTORED, (role[1:], role[0], role[1:]))
    except psycopg2.Error as error:
        yield (
            f"roles of {cluster.offer.location} may have a dump's attributes and no password: "
            f"theirs could not be given back: {_words(error)}"
        )


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _query(admin: Endpoint, statement: str) -> list[tuple[Any, ...]]:
    with _connected_to(admin) as link, link.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _facts(link: Connection, target: dict[str, str]) -> tuple[bool, bool, list[str] | None, bool]:
    with link.cursor() as cursor:
        cursor.execute(_USER_RELATIONS)
        counted = cursor.fetchone()
        if counted is not None and counted[0]:
            message = f"{addresses.shown(target)} holds {counted[0]} tables or views: it is somebody's database"
            raise UsageError(message, fix="name an empty database on a server that holds nothing of value")
        cursor.execute(_FACTS)
        row = cursor.fetchone()
    assert row is not None
    return row[0], row[1], row[2], row[3]


@contextmanager
def _connected(target: dict[str, str]) -> Iterator[Connection]:
    try:
        link = psycopg2.connect(make_dsn(**target), connect_timeout=10)
    except psycopg2.OperationalError as error:
        message = f"{addresses.shown(target)} can't be connected to: {str(error).strip()}"
        raise ServerError(message) from error
    try:
        yield link
    finally:
        link.close()


@contextmanager
def _connected_to(admin: Endpoint) -> Iterator[Connection]:
    link = psycopg2.connect(**admin.kwargs(), connect_timeout=10)
    try:
        link.autocommit = True
        yield link
    finally:
        link.close()
