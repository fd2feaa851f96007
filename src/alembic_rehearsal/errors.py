"""Every way in which a rehearsal can end without a verdict, each with its exit status.

A failing migration is not here: it is a `Finding`. An exception of this tree means that the tool could
not find out, and no verdict is never a pass.
"""

from __future__ import annotations


class RehearsalError(Exception):
    """The base of all; an instance that reaches the command line ends the run with `exit_status`.

    Attributes:
        exit_status: 2 for wrong usage, 3 for no verdict.
        fix: what to do about it, ready to paste where it can be; "" when there is nothing to say.
    """

    exit_status = 3

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class UsageError(RehearsalError):
    """An option, a configuration key or a combination of them is wrong."""

    exit_status = 2


class ProjectError(RehearsalError):
    """The project's configuration, interpreter or command could not be found."""


class DumpError(RehearsalError):
    """The dump can't be read or restored."""


class SnapshotError(RehearsalError):
    """Production can't be read, or not by this role."""


class ServerError(RehearsalError):
    """No throw-away server could be had, or it died."""


class PortTaken(ServerError):
    """Another process took the port that was picked; starting again with another one helps."""


class ProcessFailed(RehearsalError):
    """A program that the tool needs ended with another status than 0, or ran out of time."""

    def __init__(self, message: str, *, status: int | None, stderr: str = "", fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.status = status
        self.stderr = stderr


class OtherOwnerError(Exception):
    """env.py configured another version table than was expected, and that one belongs to another role.

    Not a way to end: the run is done again as `owner`.
    """

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


class OtherTableError(Exception):
    """env.py configured another version table than the one that `--at` was written to.

    Not a way to end: the run is done again with the revisions in this table.
    """

    def __init__(self, schema: str, name: str) -> None:
        super().__init__(f"{schema}.{name}")
        self.table = (schema, name)
