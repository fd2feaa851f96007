"""The summary of a step of GitHub Actions: Markdown that is added to a file, 1 MiB at most.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
(a larger one is dropped whole), and FileCommandManager.cs of https://github.com/actions/runner.
"""

from __future__ import annotations

import re
from pathlib import Path

_MOST_BYTES = 1024 * 1024
_CUT = "Cut here: the runner takes no more than 1 MiB.\n"
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
# Room for what is put behind a cut.
_OF_CUT = 400


def add(file: Path, text: str) -> None:
    """Append to *file* what fits there of *text*.

    Raises:
        OSError: it can't be written.
    """
    raw = text.encode("utf-8", "backslashreplace")
    left = _MOST_BYTES - 1 - (file.stat().st_size if file.exists() else 0)
    if len(raw) > left:
        raw = _cut(raw, left)
    with file.open("ab") as stream:
        stream.write(raw)


def _cut(raw: bytes, most: int) -> bytes:
    """Return of *raw* the lines that fit, no block left open, and a word that says so; b"" when there is no room."""
    if most < _OF_CUT:
        return b""
    kept = raw[: most - _OF_CUT].decode(errors="ignore").rpartition("\n")[0]
    fence = _open_fence(kept)
    return f"{kept}\n{fence}{fence and chr(10)}\n{_CUT}".encode()


def _open_fence(text: str) -> str:
    """Return what ends a block of code that *text* leaves open, "" for none."""
    fence = ""
    for mark in (found[1] for found in _FENCE.finditer(text)):
        if not fence:
            fence = mark
        elif mark.startswith(fence):
            fence = ""
    return fence
