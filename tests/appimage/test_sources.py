"""Which file of the repository a path in the image stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alembic_rehearsal.appimage.sources import Sources


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two services and a library."""
    (tmp_path / ".git").mkdir()
    for place in (
        "billing/migrations/env.py",
        "billing/migrations/versions/b2.py",
        "orders/migrations/env.py",
        "orders/migrations/versions/c3.py",
        "libs/src/shared/tables.py",
        "node_modules/shared/tables.py",
        "setup.py",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/app/migrations/versions/b2.py", "billing/migrations/versions/b2.py"),
        ("/srv/versions/c3.py", "orders/migrations/versions/c3.py"),
        ("/usr/lib/python3.13/site-packages/shared/tables.py", "libs/src/shared/tables.py"),
        ("/app/setup.py", "setup.py"),
        # Two files end as it does, or none has more of it than its name.
        ("/app/migrations/env.py", "migrations/env.py"),
        ("/app/other/b2.py", "other/b2.py"),
        ("/app/migrations/versions/d4.py", "migrations/versions/d4.py"),
        ("/usr/lib/python3.13/shutil.py", "/usr/lib/python3.13/shutil.py"),
    ],
)
def test_the_file_whose_path_ends_alike(repository: Path, path: str, expected: str) -> None:
    """From the repository's top; what is not found stays as it is in the image, below the command's directory."""
    assert Sources("/app", repository).local(path) == expected


def test_the_projects_directory_comes_first(repository: Path) -> None:
    """What is said with -d settles which of the services it is; elsewhere in the repository is reached from there."""
    sources = Sources("/app", repository / "orders")

    assert sources.local("/app/migrations/env.py") == "migrations/env.py"
    assert sources.local("/app/migrations/versions/b2.py") == "../billing/migrations/versions/b2.py"


def test_events_are_changed_where_they_have_a_path(repository: Path) -> None:
    """The revisions' list has one for each."""
    events: list[dict[str, Any]] = [
        {"event": "statement", "path": "/app/migrations/versions/b2.py", "line": 3},
        {"event": "revisions", "revisions": [{"revision": "b2", "path": "/app/migrations/versions/b2.py"}, {}]},
        {"event": "bye"},
    ]

    assert list(Sources("/app", repository / "billing").localised(events)) == [
        {"event": "statement", "path": "migrations/versions/b2.py", "line": 3},
        {"event": "revisions", "revisions": [{"revision": "b2", "path": "migrations/versions/b2.py"}, {}]},
        {"event": "bye"},
    ]
