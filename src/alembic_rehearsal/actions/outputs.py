"""What the runner reads: workflow commands on standard output, and the files that it names.

How they are read: ActionCommand.cs and FileCommandManager.cs of https://github.com/actions/runner.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from alembic_rehearsal import jobsummary

_MOST_MESSAGE = 4000
_ANNOTATION = re.compile(r"::(error|warning|notice)( [^\n\r]*?)?::[^\n\r]*")


class Log:
    """The job's log: what is said there, and what only passes through."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._line_ended = True

    def command(self, name: str, message: str, **properties: str) -> None:
        """Give the runner a command."""
        given = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
        self._line(f"::{name}{' ' if given else ''}{given}::{_data(message[:_MOST_MESSAGE])}")

    def annotations(self, text: str) -> None:
        """Pass on what a reporter wrote, if it is annotations and nothing else."""
        for line in text.split("\n"):
            if _ANNOTATION.fullmatch(line):
                self._line(line)

    @contextmanager
    def uninterpreted(self, title: str) -> Iterator[None]:
        """Let everything that is passed on within be text to the runner, whatever it looks like."""
        token = secrets.token_hex(32)
        if title:
            self._line(f"::group::{_data(title)}")
        self._line(f"::stop-commands::{token}")
        try:
            yield
        finally:
            self._line(f"::{token}::")
            if title:
                self._line("::endgroup::")

    def raw(self, chunk: bytes) -> None:
        """Pass on what a program wrote; only within `uninterpreted`."""
        self._stream.write(chunk)
        self._stream.flush()
        self._line_ended = chunk.endswith(b"\n")

    def _line(self, text: str) -> None:
        self.raw(b"" if self._line_ended else b"\n")
        self.raw(text.encode() + b"\n")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def set_outputs(environ: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Write the step's outputs; nothing happens outside of a runner."""
    lines = []
    for name, value in values.items():
        # Random, so that no value can end itself and begin another output.
        end = f"end-{secrets.token_hex(16)}"
        lines.append(f"{name}<<{end}\n{value}\n{end}\n")
    _append(environ.get("GITHUB_OUTPUT", ""), "".join(lines))


def add_summary(environ: Mapping[str, str], text: str) -> None:
    """Append to the job's summary what fits there; nothing happens outside of a runner."""
    if file := environ.get("GITHUB_STEP_SUMMARY"):
        jobsummary.add(Path(file), text)


def _append(path: str, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8", newline="") as file:
            file.write(text)


def of_report(report: Mapping[str, Any]) -> dict[str, str]:
    """Return the outputs that a JSON report gives."""
    findings = report["findings"]
    failed = [each["revision"] for each in findings if each["severity"] == "error" and each["revision"]]
    return {
        "verdict": report["verdict"],
        "failed-revision": failed[0] if failed else "",
        "from-revision": ",".join(report["from_revisions"]),
        "to-revision": ",".join(report["to_revisions"]),
        "findings": str(len(findings)),
    }


def on_host(path: Path, environ: Mapping[str, str]) -> str:
    """Return *path* as the job's other steps know it: relative to the workspace, or in the runner's own folder.

    The runner mounts its folder _temp, which lies beside the workspace's parent; only RUNNER_WORKSPACE still
    names that one as the host does.
    """
    workspace = Path(environ.get("GITHUB_WORKSPACE") or Path.cwd())
    with contextlib.suppress(ValueError):
        return str(path.relative_to(workspace))
    temporary, outside = environ.get("RUNNER_TEMP", ""), environ.get("RUNNER_WORKSPACE", "")
    if temporary and outside:
        with contextlib.suppress(ValueError):
            return str(Path(outside).parent / "_temp" / path.relative_to(temporary))
    return str(path)


def give_back(place: Path, owner: Path) -> None:
    """Make what root made in *place* belong to whom *owner* belongs to, so that later steps can remove it."""
    whose = owner.stat()
    if os.geteuid() != 0 or whose.st_uid == 0:
        return
    for folder, folders, files in os.walk(place):
        for name in (".", *folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118 - a workspace has 100,000 files
            with contextlib.suppress(OSError):
                if os.lstat(path).st_uid == 0:
                    os.chown(path, whose.st_uid, whose.st_gid, follow_symlinks=False)
