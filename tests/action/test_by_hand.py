"""The image outside of GitHub, as docs/ci.md and docs/action.md show it."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest
from fix_runner import EXAMPLE, IMAGE, ROOT

pytestmark = pytest.mark.docker

CI = (ROOT / "docs" / "ci.md").read_text()
PUBLISHED = "ghcr.io/OWNER/alembic-rehearsal"


def block(mark: str) -> str:
    [found] = re.findall(rf"<!-- {mark} -->\n\n```\w+\n(.*?)```", CI, re.DOTALL)
    return str(found)


def by_hand(command: str, image: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euc", command.replace(PUBLISHED, image)], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__")))


def test_docker_run(image: str, project: Path) -> None:
    """The incident is blocked, on the image's own server, and nothing is written into the project."""
    before = sorted(path.relative_to(project) for path in project.rglob("*"))

    done = by_hand(block("docker"), image, project)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "(embedded)" in done.stdout
    assert sorted(path.relative_to(project) for path in project.rglob("*") if "__pycache__" not in path.parts) == before


def test_an_image_on_top_of_it(image: str, project: Path, tmp_path: Path) -> None:
    """What env.py imports besides Alembic is found, beside the tool's own packages."""
    (project / "requirements.txt").write_text("python-slugify\n")
    (project / "Dockerfile").write_text(block("dockerfile").replace(PUBLISHED, image))
    env = project / "migrations" / "env.py"
    env.write_text("import slugify\n" + env.read_text())
    tag = f"{IMAGE}:{secrets.token_hex(4)}"
    built = subprocess.run(["docker", "build", "-t", tag, str(project)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    try:
        bare, with_it = (by_hand(block("docker"), each, project) for each in (image, tag))
    finally:
        subprocess.run(["docker", "rmi", tag], capture_output=True, check=False)

    assert (bare.returncode, with_it.returncode) == (3, 1), bare.stdout + with_it.stdout + with_it.stderr
    assert "No module named 'slugify'" in bare.stdout
