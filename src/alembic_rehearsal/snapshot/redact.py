"""Takes passwords out of statements; the names of options stay, so that a migration may change them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from alembic_rehearsal.snapshot import statements

_IDENT = rb'(?:"(?:[^"]|"")*"|[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*)'
_LITERAL = rb"(?:[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*')"
# Each alternative but the first is there to be stepped over as a whole.
_OPTION = re.compile(
    rb"(?P<name>" + _IDENT + rb")(?P<gap>\s+)(?P<value>" + _LITERAL + rb")|" + _IDENT + rb"|" + _LITERAL, re.DOTALL
)
_OBJECT = re.compile(rb"(?:CREATE|ALTER)\s+(?P<kind>SERVER|USER\s+MAPPING|FOREIGN\s+TABLE|FOREIGN\s+DATA\s+WRAPPER)\s")
_SETTING = re.compile(
    rb"(?P<head>ALTER\s+(?:DATABASE|ROLE)\s+" + _IDENT + rb"(?:\s+IN\s+DATABASE\s+" + _IDENT + rb")?\s+SET\s+"
    rb"(?P<name>" + _IDENT + rb"(?:\." + _IDENT + rb")*)\s+TO\s+)(?P<value>.*);\s*\Z",
    re.DOTALL,
)
_SECRET_NAME = re.compile(rb"pass|pwd|secret|token|credential|key|private|signature", re.IGNORECASE)
# user:password@ in a URL, password= in a connection string.
_SECRET_WITHIN = re.compile(rb"://[^/\s:@']*:[^@\s']+@|\bpassword\s*=", re.IGNORECASE)
_SUBSCRIPTION = re.compile(rb"(?:CREATE|ALTER)\s+SUBSCRIPTION\s")
_HARMLESS = (b"'true'", b"'false'", b"'on'", b"'off'")
_GONE = b"'removed'"


class Redactor:
    """Takes secrets out of a stream of statements.

    Attributes:
        removed: kind of place -> how many secrets.
    """

    def __init__(self) -> None:
        self.removed: Counter[str] = Counter()

    def stream(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield pg_dump's output in pieces."""
        for piece in statements.split(lines):
            yield self.statement(piece)

    def statement(self, text: bytes) -> bytes:
        """Return one statement without its secrets; other kinds, functions above all, stay as they are."""
        found = _OBJECT.match(text)
        if found:
            kind = b" ".join(found["kind"].split()).decode().lower()
            return _OPTION.sub(lambda option: self._option(kind, option), text)
        if _SUBSCRIPTION.match(text):
            # Left out by --no-subscriptions.
            self.removed["subscription"] += 1
            return b""
        setting = _SETTING.match(text)
        if setting and self._is_secret_setting(setting["name"], setting["value"]):
            self.removed["setting"] += 1
            return setting["head"] + _GONE + b";\n"
        return text

    def _option(self, kind: str, option: re.Match[bytes]) -> bytes:
        name, value = option["name"], option["value"]
        if value is None or value.lower() in _HARMLESS or not _is_secret(kind, name, value):
            return option[0]
        self.removed[kind] += 1
        return bytes(name + option["gap"] + _GONE)

    def _is_secret_setting(self, name: bytes, value: bytes) -> bool:
        # PostgreSQL's own have no dot in their names, and none that a role or a database can set is a secret.
        return (b"." in name and _SECRET_NAME.search(name) is not None) or _SECRET_WITHIN.search(value) is not None


def _is_secret(kind: str, name: bytes, value: bytes) -> bool:
    if kind == "user mapping":
        return True
    name = name.strip(b'"').lower()
    return name == b"user" or _SECRET_NAME.search(name) is not None or _SECRET_WITHIN.search(value) is not None
