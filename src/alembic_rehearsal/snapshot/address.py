"""Production's address: taken apart, handed on without showing its password."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2.extensions import parse_dsn

from alembic_rehearsal.errors import UsageError

_DRIVER = re.compile(r"\A(?:postgres|postgresql)(?:\+\w+)?://")
# Parameters that libpq takes from the environment, which only this account's processes can read.
# Source: https://www.postgresql.org/docs/current/libpq-envars.html
_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "options": "PGOPTIONS",
    "application_name": "PGAPPNAME",
    "sslmode": "PGSSLMODE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "requirepeer": "PGREQUIREPEER",
    "channel_binding": "PGCHANNELBINDING",
    "gssencmode": "PGGSSENCMODE",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
_ENCRYPTED = ("require", "verify-ca", "verify-full")


@dataclass(frozen=True, slots=True)
class Address:
    """Where production is.

    Attributes:
        parameters: libpq's, without the password.
    """

    parameters: Mapping[str, str] = field(repr=False)
    password: str = field(repr=False, default="")

    def kwargs(self, **more: str) -> dict[str, Any]:
        """Return the keyword arguments of `psycopg2.connect`."""
        password = {"password": self.password} if self.password else {}
        return {"connect_timeout": "15", **self.parameters, **more, **password}

    def environment(self, connection: Any, options: str) -> dict[str, str]:
        """Return the environment of a program that is to connect to the very server of `connection`, no less safely."""
        info = connection.info
        parameters = {**self.parameters, "port": str(info.port), "dbname": info.dbname, "user": info.user}
        if info.host and "hostaddr" not in parameters:
            # One of several, if several were given.
            parameters["host"] = info.host
        if info.ssl_in_use and parameters.get("sslmode") not in _ENCRYPTED:
            # The default would go on without encryption, should this program's libpq know none.
            parameters["sslmode"] = "require"
        parameters |= {"options": options, "application_name": "alembic-rehearsal snapshot"}
        result = {**os.environ, "LC_ALL": "C"}
        result |= {_VARIABLES[name]: value for name, value in parameters.items() if name in _VARIABLES}
        return {**result, "PGPASSWORD": self.password} if self.password else result

    def arguments(self) -> list[str]:
        """Return the argument for what has no variable; everybody on the machine can read it."""
        rest = {name: value for name, value in self.parameters.items() if name not in _VARIABLES}
        quoted = (name + "='" + re.sub(r"(['\\])", r"\\\1", value) + "'" for name, value in rest.items())
        return [f"--dbname={' '.join(quoted)}"] if rest else []

    def scrubbed(self, text: str) -> str:
        """Return the text without the password, should another program have repeated it."""
        return text.replace(self.password, "***") if self.password else text


def parse(url: str) -> Address:
    """Take a URL or a connection string apart; nothing of it is shown in an error, for any of it may be the password.

    Raises:
        UsageError: it is none, or one whose password isn't percent-encoded.
    """
    plain = _DRIVER.sub("postgresql://", url.strip())
    fix = "postgresql://user:password@host:5432/dbname, where @ : / ? # % in the password are %40 %3A %2F %3F %23 %25"
    try:
        parts = parse_dsn(plain)
    except (psycopg2.ProgrammingError, UnicodeError):
        message = "the URL isn't one of PostgreSQL" + _unknown(plain)
        # Without the cause: libpq repeats what it doesn't understand.
        raise UsageError(message, fix=fix) from None
    if not plain or any("@" in str(parts.get(name, "")) for name in ("host", "port", "dbname")):
        raise UsageError("the URL can't be taken apart: its password isn't percent-encoded, or it is empty", fix=fix)
    if not str(parts.get("port", "0")).replace(",", "").isdigit():
        raise UsageError("the URL's port isn't a number, or its password isn't percent-encoded", fix=fix)
    if "sslpassword" in parts:
        raise UsageError("sslpassword would show in the list of processes: use a client key without a passphrase")
    password = str(parts.pop("password", ""))
    return Address({name: str(value) for name, value in parts.items()}, password)


def _unknown(url: str) -> str:
    """Name the parameters behind the question mark, which drivers have more of than libpq."""
    names = re.findall(r"[?&]([A-Za-z_]\w*)=", url.rpartition("@")[2])
    return f" as libpq reads it; it has the parameters {', '.join(names)}" if names else ""
