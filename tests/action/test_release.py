"""The step of the release workflow that moves the major version's tag, on a repository of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
JOB = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]["tag"]


def git(folder: Path, *args: str) -> str:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", *author, *args], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("tag", "moves"),
    [("v1.10.0", True), ("v1.9.1", False), ("v1.2.3", False), ("v2.0.0", True), ("v1.10.1", True)],
)
def test_the_tag_moves_forward_only(tmp_path: Path, tag: str, *, moves: bool) -> None:
    """A patch of 1.2 that follows on 1.9 leaves v1 where it is; a candidate is no release."""
    origin, clone = tmp_path / "origin.git", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "--quiet", "--bare")
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    (clone / "action.yml").write_text((ROOT / "action.yml").read_text())
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "--message", "first")
    for name in {"v1.2.2", "v1.9.2", "v1.11.0-rc1", "v1", "v12.0.0", tag}:
        git(clone, "tag", name)
    git(clone, "push", "--quiet", "--tags", "origin")
    major = tag.partition(".")[0]
    before = git(origin, "tag", "--list", "--format=%(objectname)", major)

    done = subprocess.run(
        ["bash", "-ec", JOB["steps"][-1]["run"]],
        cwd=clone,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TAG": tag, "REFERENCE": "ghcr.io/o/r@sha256:0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    after = git(origin, "rev-parse", major) if moves else before
    assert (after != before) is moves
    assert (git(origin, "tag", "--list", "--format=%(objectname)", major) == before) is not moves
    if moves:
        assert "image: docker://ghcr.io/o/r@sha256:0" in git(origin, "show", f"{major}:action.yml")
    else:
        assert f"{major} stays: " in done.stdout
