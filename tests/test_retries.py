"""Real upgrades that die: what `python -m scripts.retries` writes of what it found, docs/retries.md."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.retries import page
from scripts.retries.bare import Death

FINDING = {
    "sqlstate": "42P07",
    "location": {"path": "/somewhere/site-packages/app/versions/b_index.py", "line": 7},
    "message": "A deploy that dies inside the statement of /somewhere/site-packages/app/versions/b_index.py:7",
    "folded": ["the same if it dies after b_index.py:7"],
    "evidence": [],
}


def found(*ends: str, findings: int = 1) -> dict[str, Any]:
    """Return the results of a case whose second commit is a later phase of its first."""
    deaths = [Death(n, "CREATE INDEX CONCURRENTLY i", n == 2, end).plain() for n, end in enumerate(ends, 1)]
    return {
        "project": "app",
        "version": "1.0",
        "server": "15.18",
        "revision": "b",
        "before": "a",
        "deaths": deaths,
        "findings": [FINDING] * findings,
        "notes": [],
        "verdict": "blocked",
    }


def test_it_agrees_where_the_tool_tells_each_place_that_really_fails() -> None:
    assert page.agrees(found("42P07", "42P07", "42P07"))
    assert not page.agrees(found("42P07", "42P07", "as undisturbed"))
    assert not page.agrees(found("42P07", "42P07", "42P07", findings=0))
    assert page.agrees(found("as undisturbed", "as undisturbed", findings=0))


def test_the_page_names_files_and_not_where_they_were() -> None:
    text = page.page({"app b": found("42P07", "42P07", "42P07")})

    assert "| app 1.0, b | 3 commits | 2 | 2 | yes |" in text
    assert "- `b_index.py:7`: A deploy that dies inside the statement of b_index.py:7; the same" in text
    assert "/somewhere" not in text
