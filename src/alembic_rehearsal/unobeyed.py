"""Takes from what is printed in a job of GitHub Actions what its runner would obey.

A revision's message, SQL and the server's answers are the pull request's. The runner reads both streams of a step, and
takes for a command a line that begins with "::", and "##[" anywhere in one: ActionCommand.cs of
https://github.com/actions/runner
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_BEGINS = re.compile(r"((?:\A|[\r\n])\s*):(?=:)")
_OLD = "##["
# How a format writes a character of its text otherwise; its reader gets the same text.
_ESCAPES = {**dict.fromkeys(("json", "sarif", "gitlab"), r"\u{:04x}"), "junit": "&#{};"}
_MOST_HELD = 65536


def is_needed(environ: Mapping[str, str]) -> bool:
    """Say whether what is printed is read by a runner; those of Gitea and Forgejo set the variable too."""
    return environ.get("GITHUB_ACTIONS") == "true"


def unobeyed(text: str, form: str = "") -> str:
    """Return *text*, or a report in the format *form*, without what begins a command."""
    if form == "github":
        # Commands are what it is made of, and the reporter has seen to their texts.
        return text
    escape = _ESCAPES.get(form, "")
    if not escape:
        return _BEGINS.sub(r"\1: ", text).replace(_OLD, "## [")
    # "::" begins no line of JSON, whose ends of lines within a text are escaped.
    text = text.replace(_OLD, f"##{escape.format(ord('['))}")
    return text if form != "junit" else _BEGINS.sub(lambda found: found[1] + escape.format(ord(":")), text)


class Lines:
    """Passes on by whole lines what comes in pieces: what begins a command may be in two of them.

    Args:
        write: takes the lines.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._held = ""

    def __call__(self, piece: str) -> None:
        """Pass on the lines that *piece* ends."""
        held = self._held + piece
        end = max(held.rfind("\n"), held.rfind("\r")) + 1
        if not end and len(held) > _MOST_HELD:
            end = len(held)
        self._held = held[end:]
        if end:
            self._write(held[:end])

    def close(self) -> None:
        """Pass on what is left."""
        if self._held:
            self._write(self._held)
            self._held = ""
