"""What zizmor says of the workflows and of the action, https://docs.zizmor.sh; it asks nobody here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ZIZMOR = Path(sys.executable).parent / "zizmor"
# Documented workflows: versions are left to the reader's own pinning, and they are shorter without names and comments.
LEFT_TO_THE_READER = {"unpinned-uses", "anonymous-definition", "undocumented-permissions", "concurrency-limits"}


def audited(*paths: Path) -> tuple[int, str]:
    done = subprocess.run(
        [ZIZMOR, "--offline", "--no-progress", "--color=never", "--persona=pedantic", *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_projects_own_workflows_and_action_have_no_finding() -> None:
    """In the pedantic mode; what is ignored stands in .github/zizmor.yml with its reason."""
    status, said = audited(ROOT / ".github" / "workflows", ROOT / "action.yml")

    assert status == 0, said
    assert "No findings to report" in said


def documented() -> list[tuple[str, int, str]]:
    """Return page, number and text of each whole workflow in the documentation."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [
        (path.name, number, text)
        for path in pages
        for number, text in enumerate(re.findall(r"^```yaml\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL))
        if re.search("^jobs:", text, re.MULTILINE) and re.search("^on:", text, re.MULTILINE)
    ]


@pytest.mark.parametrize(("page", "number", "text"), documented(), ids=lambda value: str(value)[:20].strip())
def test_the_documented_workflows_have_no_hole(page: str, number: int, text: str, tmp_path: Path) -> None:
    """Whoever pastes one gets no dangerous trigger, no injection, no credential left behind."""
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "pasted.yml").write_text(text)

    _, said = audited(folder / "pasted.yml")

    assert set(re.findall(r"^\w+\[([\w-]+)\]", said, re.MULTILINE)) <= LEFT_TO_THE_READER, said
