"""The branches that are deployed, whose pushes the workflow rehearses."""

from __future__ import annotations

from pathlib import Path

from alembic_rehearsal import blueprint, proc
from alembic_rehearsal.errors import ProcessFailed

_USUAL = ("main", "master")
_TIMEOUT_S = 10


def deployed(repository: Path, render: blueprint.Blueprint | None) -> tuple[str, ...]:
    """Return the repository's default branch, and those that the services of *render* are deployed from."""
    own = [service.branch for service in render.services if service.branch] if render else []
    return tuple(dict.fromkeys((_default(repository), *own)))


def _default(repository: Path) -> str:
    """Return the default branch: the remote's as it was cloned, one with a usual name, the one that is checked out.

    Source: https://git-scm.com/docs/git-remote, set-head: a clone has it in refs/remotes/origin/HEAD.
    """
    remote = _git(repository, "symbolic-ref", "--short", "refs/remotes/origin/HEAD").removeprefix("origin/")
    known = _git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()
    usual = next((name for name in _USUAL if name in known), "")
    return remote or usual or _git(repository, "symbolic-ref", "--short", "HEAD") or _USUAL[0]


def _git(repository: Path, *arguments: str) -> str:
    try:
        done = proc.run(("git", *arguments), timeout_s=_TIMEOUT_S, cwd=repository, check=False)
    except ProcessFailed:
        return ""  # no git here
    return done.stdout.decode(errors="replace").strip() if done.status == 0 else ""
