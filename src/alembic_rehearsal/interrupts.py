"""The end by a signal: an exception, so that everything that runs is stopped on the way out."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

EXIT_STATUS = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked for the end.

    Not an Exception, so that no handler on the way takes it for a failure of its own.
    """


def expect() -> None:
    """Turn the first of these signals into `Interrupted`; no other one stops the clean-up."""
    for each in _SIGNALS:
        signal.signal(each, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(signal.Signals(number).name)
