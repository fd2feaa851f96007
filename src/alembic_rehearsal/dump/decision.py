"""What can be done with a statement of a dump."""

from __future__ import annotations

import enum
from dataclasses import dataclass

# SQLSTATEs, https://www.postgresql.org/docs/current/errcodes-appendix.html
_INSUFFICIENT_PRIVILEGE = "42501"
_UNDEFINED_OBJECT = "42704"
_INVALID_PARAMETER_VALUE = "22023"
# Failures without harm: some objects belong to superusers only, and a server may lack a parameter.
NOT_SUPERUSER = frozenset((_INSUFFICIENT_PRIVILEGE,))
SETTING_REFUSED = frozenset((_UNDEFINED_OBJECT, _INVALID_PARAMETER_VALUE, _INSUFFICIENT_PRIVILEGE))


class Way(enum.Enum):
    """How a statement is executed."""

    SKIP = enum.auto()
    SETTING = enum.auto()  # of the session
    AS_ROLE = enum.auto()  # what follows is done in another role's name
    BATCH = enum.auto()
    ALONE = enum.auto()  # it changes how the next ones are read, or may fail without harm
    LATER = enum.auto()  # after all that this tool itself does in the database
    SERVER = enum.auto()  # it concerns roles or databases
    DATABASE = enum.auto()  # CREATE DATABASE


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done with one statement.

    Attributes:
        text: what to execute; when it is left out, how the following statements begin that are left out like it.
        roles: have to exist before.
        tolerated: SQLSTATEs that only lead to the note.
        note: for the report, if it is tolerated or left out.
    """

    way: Way
    text: bytes = b""
    roles: frozenset[str] = frozenset()
    tolerated: frozenset[str] = frozenset()
    note: str = ""
