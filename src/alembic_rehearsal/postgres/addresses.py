"""Servers' URLs: reading them, and telling whether two lead to the same server."""

from __future__ import annotations

import ipaddress
import re
import socket

import psycopg2
from psycopg2.extensions import parse_dsn

_DRIVER = re.compile(r"^(?:postgres|postgresql)(?:\+\w+)?://")


def is_url(text: str) -> bool:
    """Return whether this names a server rather than a provider."""
    return _DRIVER.match(text) is not None


def parts_of(url: str) -> dict[str, str] | None:
    """Return the parts of a URL with libpq's defaults filled in; None when it isn't one of PostgreSQL."""
    try:
        parts = parse_dsn(_DRIVER.sub("postgresql://", url))
    except psycopg2.ProgrammingError:
        return None
    user = parts.get("user") or "postgres"
    defaults = {"host": "localhost", "port": "5432", "user": user, "dbname": user}
    return {**defaults, **{name: str(value) for name, value in parts.items() if value}}


def is_off_limits(target: dict[str, str], other: dict[str, str]) -> bool:
    """Return whether `target` is the database `other`, or lies on the same server out there.

    Another database of the same server on this very machine is what a CI job's service container is.
    """
    ports = other["port"].split(",")
    for index, host in enumerate(other["host"].split(",")):
        port = ports[min(index, len(ports) - 1)] or "5432"
        if target["port"] == port and _same_host(target["host"], host or "localhost"):
            return not _is_loopback(target["host"]) or target["dbname"] == other["dbname"]
    return False


def _same_host(one: str, other: str) -> bool:
    one, other = one.lower().rstrip("."), other.lower().rstrip(".")
    if one == other or (_is_loopback(one) and _is_loopback(other)):
        return True
    if "/" in one + other or _is_address(one) or _is_address(other):
        return bool(_resolved(one) & _resolved(other))
    # A hosting service has an inner and an outer name for a server: dpg-x-a, dpg-x-a.oregon-postgres.render.com.
    return one.split(".")[0] == other.split(".")[0] or bool(_resolved(one) & _resolved(other))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if _is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host in ("", "localhost") or host.startswith("/")


def _resolved(host: str) -> frozenset[str]:
    try:
        return frozenset(str(entry[4][0]) for entry in socket.getaddrinfo(host, None))
    except OSError:
        return frozenset()


def shown(target: dict[str, str]) -> str:
    """Return the URL without its password."""
    return f"postgresql://{target['user']}@{target['host']}:{target['port']}/{target['dbname']}"
