"""Read and rewrite connection strings: PostgreSQL URLs in every spelling, and libpq's keyword/value form."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS, and SQLAlchemy's name+driver.
# The host part goes up to the path, the query or what can't be in a URL; a password may hold raw characters.
# Compiled where it is needed first, which is not in every command; `re` remembers it.
_URL = (
    r"(?P<scheme>(?:[a-z][a-z0-9]*:)?(?:postgres(?:ql)?|pgsql|postgis|timescale|cockroachdb|redshift|asyncpg|psql)"
    r"(?:\+[a-z0-9_]+)?)://"
    r"(?:(?P<login>[^\s/\"'<>]*)@)?(?P<hosts>[^\s/?#\"'<>@]*)"
    r"(?:/(?P<dbname>[^\s?#\"'<>]*))?(?:\?(?P<query>[^\s#\"'<>]*))?"
)
_PAIR = r"\s*([a-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)"
_KEYWORDS = frozenset("host hostaddr dbname user service port".split())
# What may stay of a URL's query when host, login and protection are another's; `dropped` says what goes.
_GONE = frozenset(
    "host hostaddr port user password passfile dbname database service servicefile unix_sock target_session_attrs "
    "load_balance_hosts channel_binding require_auth requirepeer requiressl direct_tls gsslib ssl_context "
    "scram_client_key scram_server_key dsn conninfo sock".split()
)
_GONE_PREFIXES = ("ssl", "gss", "krb", "oauth")


def dropped(name: str) -> bool:
    """Whether parameter *name* says where, as whom or how protected a connection is made."""
    return name in _GONE or name.startswith(_GONE_PREFIXES)


def has_url(text: str) -> bool:
    """Whether there is a URL of PostgreSQL's in *text*."""
    return "://" in text and re.search(_URL, text, re.IGNORECASE) is not None


def parse(text: str) -> dict[str, Any]:
    """Return the parameters in *text*, a URL or keyword/value pairs; several hosts stay one comma-separated text."""
    match = re.match(_URL, text.strip(), re.IGNORECASE)
    return _of_url(match) if match else dict(_pairs(text) or ())


def rewritten(text: str, endpoint: Mapping[str, Any]) -> str:
    """Return *text* with every URL in it, or the pairs that it is made of, leading to *endpoint*."""
    if "://" in text:
        return re.sub(_URL, lambda match: _url(match, endpoint), text, flags=re.IGNORECASE)
    pairs = _pairs(text) if "=" in text else None
    if not pairs or not _KEYWORDS.intersection(k for k, _ in pairs):
        return text
    rest = [(k, v) for k, v in pairs if not dropped(k)]
    there = [(k, str(endpoint[k])) for k in ("host", "port", "user", "password", "dbname")]
    return joined(dict(there + rest))


def joined(parameters: Mapping[str, Any]) -> str:
    """Return *parameters* as libpq's keyword/value pairs."""
    return " ".join("{}={}".format(k, _value(str(v))) for k, v in parameters.items())


def url(endpoint: Mapping[str, Any], scheme: str = "postgresql", rest: str = "") -> str:
    """Return the URL of *endpoint*."""
    login = quote(str(endpoint["user"]), safe="") + ":" + quote(str(endpoint["password"]), safe="")
    host = str(endpoint["host"])
    if host.startswith("/"):
        host = quote(host, safe="")
    elif ":" in host:
        host = "[%s]" % host
    dbname = quote(str(endpoint["dbname"]), safe="")
    return "{}://{}@{}:{}/{}{}".format(scheme, login, host, endpoint["port"], dbname, rest)


def _url(match: re.Match[str], endpoint: Mapping[str, Any]) -> str:
    query = [(k, v) for k, v in parse_qsl(match["query"] or "", keep_blank_values=True) if not dropped(k)]
    return url(endpoint, match["scheme"], "?" + urlencode(query, quote_via=quote) if query else "")


def _of_url(match: re.Match[str]) -> dict[str, Any]:
    user, _, password = (match["login"] or "").partition(":")
    hosts, ports = [], []
    for part in (match["hosts"] or "").split(","):
        host, _, port = part.rpartition(":") if re.search(r":\d*$", part) else (part, "", "")
        hosts.append(unquote(host).strip("[]"))
        ports.append(port)
    parts = {
        "user": unquote(user),
        "password": unquote(password),
        "host": ",".join(hosts),
        "port": ",".join(ports).strip(","),
        "dbname": unquote(match["dbname"] or ""),
    }
    query = dict(parse_qsl(match["query"] or "", keep_blank_values=True))
    return dict({k: v for k, v in parts.items() if v}, **query)


def _pairs(text: str) -> list[tuple[str, str]] | None:
    """Return libpq's keyword/value pairs of *text*, None when it is made of anything else."""
    pair, found, end = re.compile(_PAIR, re.IGNORECASE), [], 0
    while text[end:].strip():
        match = pair.match(text, end)
        if not match:
            return None
        value = match[2]
        if value[:1] == "'":
            value = value[1:-1]
        found.append((match[1], re.sub(r"\\(.)", r"\1", value)))
        end = match.end()
    return found


def _value(text: str) -> str:
    if text and not re.search(r"[\s'\\]", text):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
