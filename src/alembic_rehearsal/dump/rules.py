"""What is done with each statement of a dump: it runs, runs in other words, waits for the end, or is left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from alembic_rehearsal.dump import names, refuse, roles, wanted
from alembic_rehearsal.dump.decision import NOT_SUPERUSER, SETTING_REFUSED, Decision, Way
from alembic_rehearsal.dump.names import IDENT, QUALIFIED
from alembic_rehearsal.dump.script import Statement
from alembic_rehearsal.dump.wanted import Rows

_SKIP = Decision(Way.SKIP)
_I = re.IGNORECASE
_WORDS = re.compile(rb"\s*([A-Za-z]+)(?:\s+([A-Za-z_]+))?")
_AUTHORIZES = re.compile(rb"SET\s+(?:SESSION\s+AUTHORIZATION|ROLE)\s", _I)
_ROLE_SETTING = re.compile(rb"ALTER\s+(?:ROLE|USER)\s+" + IDENT + rb"\s+(?:IN\s+DATABASE|SET|RESET)\s", _I)
_USER_MAPPING = re.compile(rb"CREATE\s+USER\s+MAPPING\s", _I)
_REPLACED_VIEW = re.compile(rb"CREATE\s+OR\s+REPLACE\s+VIEW\s", _I)
_SETTING = re.compile(rb"SET\s+(?:SESSION\s+|LOCAL\s+)?(" + QUALIFIED + rb")\s*(?:=|\sTO\s)", _I)
_SCHEMA = re.compile(rb"CREATE\s+SCHEMA\s+(" + IDENT + rb")", _I)
_TABLE = re.compile(rb"CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(" + QUALIFIED + rb")", _I)
_INSERT = re.compile(rb"INSERT\s+INTO\s+(" + QUALIFIED + rb")\s*(?:\(([^()]*)\))?", _I)
_TAKES_AWAY = re.compile(rb"\s(?:DROP|DETACH)\s", _I)
_ON = re.compile(rb"\sON\s+(DATABASE|TABLESPACE|LARGE\s+OBJECT)\s", _I)
_COMMENT_ON = re.compile(rb"COMMENT\s+ON\s+(DATABASE|TABLESPACE|LARGE|SUBSCRIPTION|ROLE|EVENT)\s", _I)
_LARGE_OBJECT = re.compile(rb"SELECT\s+(?:pg_catalog\.)?lo(?:_\w+|write|read)\s*\(", _I)
_SET_CONFIG = re.compile(rb"SELECT\s+(?:pg_catalog\.)?set_config\s*\(", _I)
_STATISTICS = re.compile(rb"SELECT\b[^;(]*\bpg_restore_\w+_stats\s*\(", _I)
_PASSWORD = re.compile(rb"\s+(?:PASSWORD|VALID\s+UNTIL)\s+(?:'(?:[^']|'')*'|NULL)|\s+CONNECTION\s+LIMIT\s+-?\d+", _I)
_LOGIN = re.compile(rb"\bLOGIN\b", _I)
_NAMED = re.compile(rb"\w+\s+((?:[A-Za-z]+\s+)+?)(" + QUALIFIED + rb")\s+(?:OWNER|CONNECTION|ON|ENABLE|DISABLE)\b", _I)
_MAINTAIN = re.compile(rb"\bMAINTAIN\s*,\s*|,\s*MAINTAIN\b", _I)

# Transactions are this tool's own, statistics and refreshes come later, and an UPDATE is one of pg_database.
_LEFT_OUT = frozenset(("BEGIN", "START", "COMMIT", "END", "ANALYZE", "VACUUM", "REFRESH", "UPDATE", "DELETE", "LOCK"))


@dataclass
class Rules:
    """The decisions for one database of a dump, which depend on what came before.

    Attributes:
        server_version: as in server_version_num.
        settings: names of all parameters that the server knows.
        rows: which of them are restored.
        restorer: the role that the session belongs to.
        created: something was made in this database.
        owners_known: the dump says who owns something.
    """

    server_version: int
    settings: frozenset[str]
    rows: Rows
    restorer: str
    created: bool = False
    owners_known: bool = False

    def decide(self, statement: Statement) -> Decision:
        """Return what to do.

        Raises:
            DumpError: it is a COPY that reaches out of the database.
        """
        text = statement.text
        words = _WORDS.match(text)
        if words is None:
            return Decision(Way.BATCH, text)
        verb = words[1].decode().upper()
        noun = (words[2] or b"").decode().upper()
        if verb == "COPY":
            raise refuse.reaches_out(statement.line, text)
        if verb in _LEFT_OUT:
            return _SKIP
        if verb in ("GRANT", "REVOKE"):
            return self._grant(text, verb)
        handler: Callable[[bytes, str], Decision] | None = self._handlers.get(verb)
        return handler(text, noun) if handler else self._run(text, verb, noun)

    def __post_init__(self) -> None:
        self._in_anothers_name = False
        self._handlers = {
            "SET": self._set,
            "RESET": self._reset,
            "SELECT": self._select,
            "DROP": self._drop,
            "ALTER": self._alter,
            "CREATE": self._create,
            "COMMENT": self._comment,
            "SECURITY": self._security,
            "INSERT": self._insert,
        }

    def _run(self, text: bytes, verb: str, noun: str) -> Decision:
        self.created = True
        mentioned = roles.mentioned(text, verb, noun)
        return Decision(Way.BATCH, text, roles=frozenset(mentioned))

    def _set(self, text: bytes, noun: str) -> Decision:
        if noun in ("TRANSACTION", "CONSTRAINTS"):
            return _SKIP
        if noun in ("SESSION", "ROLE") and _AUTHORIZES.match(text):
            mentioned = roles.mentioned(text, "SET", noun)
            self._in_anothers_name = bool(mentioned)
            if mentioned:
                return Decision(Way.AS_ROLE, text, frozenset(mentioned))
            return Decision(Way.SETTING, self._back_to_restorer())
        setting = _SETTING.match(text)
        name = ".".join(names.split(setting[1])).lower() if setting else ""
        if name == "default_tablespace":
            return Decision(Way.SETTING, b"SET default_tablespace = '';")
        if "." not in name and name not in self.settings:
            return _SKIP
        return Decision(Way.SETTING, text)

    def _reset(self, text: bytes, noun: str) -> Decision:
        self._in_anothers_name = False
        return Decision(Way.SETTING, self._back_to_restorer() if noun in ("SESSION", "ROLE") else text)

    def _back_to_restorer(self) -> bytes:
        return b"SET SESSION AUTHORIZATION " + names.raw_bytes(names.quote(self.restorer)) + b";"

    def _select(self, text: bytes, _noun: str) -> Decision:
        if _STATISTICS.match(text):
            return _SKIP
        if _LARGE_OBJECT.match(text):
            return Decision(Way.SKIP, note="large objects were left out")
        if _SET_CONFIG.match(text):
            return Decision(Way.SETTING, text)
        return Decision(Way.BATCH, text)

    def _drop(self, text: bytes, noun: str) -> Decision:
        on_server = noun in ("DATABASE", "ROLE", "USER", "TABLESPACE", "SUBSCRIPTION")
        # pg_dump --clean drops everything first, of which nothing is here yet.
        return _SKIP if on_server or not self.created else Decision(Way.BATCH, text)

    def _alter(self, text: bytes, noun: str) -> Decision:
        if noun in ("TABLESPACE", "SUBSCRIPTION", "LARGE"):
            return _SKIP
        if noun in ("DATABASE", "SYSTEM"):
            way = Way.SERVER if noun == "DATABASE" else Way.SKIP
            return Decision(
                way, text, frozenset(roles.mentioned(text, "ALTER", "")), SETTING_REFUSED, _unknown_setting(text)
            )
        if noun in ("ROLE", "USER"):
            return self._alter_role(text)
        if not self.created and _TAKES_AWAY.search(text):
            return _SKIP
        mentioned = frozenset(roles.mentioned(text, "ALTER", noun))
        owner = roles.owner(text) if noun != "DEFAULT" else None
        self.owners_known = self.owners_known or owner is not None
        if noun == "EVENT":
            return Decision(Way.LATER, text, mentioned, NOT_SUPERUSER, f"{_subject(text)} stays with a superuser")
        if owner is not None and noun == "FOREIGN":
            note = f"{_subject(text)} stays with a superuser: {owner} isn't one here"
            return Decision(Way.ALONE, text, mentioned, NOT_SUPERUSER, note)
        self.created = True
        return Decision(Way.BATCH, text, mentioned)

    def _alter_role(self, text: bytes) -> Decision:
        mentioned = frozenset(roles.mentioned(text, "ALTER", "ROLE"))
        if _ROLE_SETTING.match(text):
            return Decision(Way.SERVER, text, mentioned, SETTING_REFUSED, _unknown_setting(text))
        text = _LOGIN.sub(b"NOLOGIN", _PASSWORD.sub(b"", text))
        return Decision(Way.SERVER, text, mentioned)

    def _create(self, text: bytes, noun: str) -> Decision:
        elsewhere = self._create_elsewhere(text, noun)
        if elsewhere is not None:
            return elsewhere
        if noun == "OR" and not self.created and _REPLACED_VIEW.match(text):
            return _SKIP  # how --clean takes apart views that depend on each other
        self.created = True
        self.owners_known = self.owners_known or self._in_anothers_name
        if noun == "EVENT":
            return Decision(Way.LATER, text)
        if noun in ("TABLE", "UNLOGGED") and wanted.is_version_table(text):
            table = _TABLE.match(text)
            if table:
                self.rows.version_tables.add(names.split(table[1]))
        schema = _SCHEMA.match(text) if noun == "SCHEMA" else None
        if schema and names.unquote(schema[1]) == "public":
            text = b"CREATE SCHEMA IF NOT EXISTS " + text[schema.start(1) :]
        return Decision(Way.BATCH, text, frozenset(roles.mentioned(text, "CREATE", noun)))

    def _create_elsewhere(self, text: bytes, noun: str) -> Decision | None:
        """Decide on what isn't made within a database."""
        if noun == "DATABASE":
            return Decision(Way.DATABASE, text)
        if noun in ("ROLE", "GROUP") or (noun == "USER" and not _USER_MAPPING.match(text)):
            return Decision(Way.SERVER, b"", frozenset((roles.named(text),)))
        if noun == "TABLESPACE":
            return Decision(Way.SKIP, note="tablespaces were left out")
        if noun == "SUBSCRIPTION":
            return Decision(Way.SKIP, note=f"{_subject(text)} was left out: it would connect to its publisher")
        return None

    def _grant(self, text: bytes, verb: str) -> Decision:
        mentioned = frozenset(roles.mentioned(text, verb, ""))
        if roles.is_membership(text):
            return Decision(Way.SERVER, roles.without_grantor(text, options=self.server_version >= 160000), mentioned)
        target = _ON.search(text)
        if target and target[1].upper() != b"DATABASE":
            return _SKIP
        if self.server_version < 170000 and b"MAINTAIN" in text.split(b" ON ", 1)[0]:
            text = _MAINTAIN.sub(b"", text, count=1)
        return Decision(Way.SERVER if target else Way.BATCH, text, mentioned)

    def _comment(self, text: bytes, _noun: str) -> Decision:
        target = _COMMENT_ON.match(text)
        if target:
            return Decision(Way.LATER, text) if target[1].upper() == b"EVENT" else _SKIP
        return Decision(Way.BATCH, text)

    def _security(self, _text: bytes, _noun: str) -> Decision:
        return Decision(Way.SKIP, note="security labels were left out: their providers aren't on this server")

    def _insert(self, text: bytes, _noun: str) -> Decision:
        target = _INSERT.match(text)
        if target is None:
            return Decision(Way.BATCH, text)
        columns = target[2] or b""
        if not self.rows.wants(target[1], columns):
            self.rows.leave_out(target[1])
            return Decision(Way.SKIP, text[: target.end(1)])
        return Decision(Way.BATCH, text)


def _unknown_setting(text: bytes) -> str:
    return f"left out, this server doesn't take the setting: {refuse.excerpt(text, 100)}"


def _subject(text: bytes) -> str:
    """Return "publication p" of ALTER PUBLICATION p ..."""
    found = _NAMED.match(text)
    return (
        names.shown(f"{names.text(found[1]).strip().lower()} {names.text(found[2])}")
        if found
        else refuse.excerpt(text, 60)
    )
