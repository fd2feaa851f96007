"""Applies a remedy that passed its trial to the project's files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from alembic_rehearsal import proc
from alembic_rehearsal.errors import ProcessFailed, UsageError
from alembic_rehearsal.model import Remedy, Verdict
from alembic_rehearsal.remedies import source

_GIT_TIMEOUT_S = 30


def offer(
    remedy: Remedy | None, root: str, verdict: Verdict, *, say: Callable[[str], object], agreed: Callable[[], bool]
) -> int:
    """Show *remedy*, which passed its trial, apply it if that is *agreed* to, and return the exit status.

    Returns:
        0 applied, 1 nothing was applied, 3 there is no verdict.

    Raises:
        UsageError: a file must not be written to.
    """
    if remedy is None:
        return verdict.exit_status or 1
    if not remedy.patch:
        say(f"\nNothing to write: this is for production's database, not for the project:\n    {remedy.command}")
        return 1
    require_clean(remedy, root)
    say(remedy.diff.rstrip("\n"))
    for line in (f"{remedy.text}: it passes on {' and on '.join(remedy.trial.on)}.", *remedy.notes):
        say(line)
    if not agreed():
        say("Nothing was written. --yes applies it without asking.")
        return 1
    for path in apply(remedy, root):
        say(f"wrote {path}")
    say("Next: look at it with git diff, and rehearse again with alembic-rehearsal run.")
    return 0


def require_clean(remedy: Remedy, root: str) -> None:
    """Stop if git has uncommitted changes in a file that *remedy* edits; files outside git are nobody's concern.

    Raises:
        UsageError: one has, or lies outside the project: in an installed package, for instance.
    """
    for edit in remedy.patch:
        path = Path(root, edit.path)
        if Path(edit.path).is_absolute():
            raise UsageError(
                f"{edit.path} lies outside the project and is not written to",
                fix="The diff is in the report of alembic-rehearsal run, for who maintains the file.",
            )
        if path.exists() and _status(path):
            raise UsageError(
                f"{edit.path} has changes that are not committed, and the fix would be mixed up with them",
                fix=f"Commit them, or put them aside with git stash:\n    git commit {edit.path}",
            )


def apply(remedy: Remedy, root: str) -> tuple[str, ...]:
    """Write the files of *remedy* and return their paths; either all of them are written or none.

    Raises:
        UsageError: a file is not any more what the remedy was tried on.
    """
    contents = {}
    for edit in remedy.patch:
        path = Path(root, edit.path)
        if not edit.before:
            contents[path] = edit.after.encode()
            continue
        before = source.read(path)
        if before.text != edit.before:
            raise UsageError(f"{edit.path} has changed since the remedy was tried", fix="Run it again.")
        contents[path] = before.encoded(edit.after)
    for path, content in contents.items():
        _replace(path, content)
    return tuple(edit.path for edit in remedy.patch)


def _status(path: Path) -> str:
    """Return what git says of *path*, "" for a file that is as it was committed or that git knows nothing of.

    Source: https://git-scm.com/docs/git-status#_short_format
    """
    argv = ("git", "status", "--porcelain", "--", path.name)
    try:
        done = proc.run(argv, timeout_s=_GIT_TIMEOUT_S, cwd=path.parent, check=False)
    except ProcessFailed:
        return ""  # no git here
    return done.stdout.decode(errors="replace").strip() if done.status == 0 else ""


def _replace(path: Path, content: bytes) -> None:
    """Write *path* whole or not at all, with the mode that it has."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o644
    Path(temporary).chmod(mode)
    Path(temporary).replace(path)
