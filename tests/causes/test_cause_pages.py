"""Every cause has an example that is explained by it, and its page in docs/causes/ shows what is said of that."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts import causes as pages


def test_every_cause_has_its_example_and_its_page() -> None:
    overview = (pages.ROOT / "docs" / "causes.md").read_text()

    assert {each.name for each in pages.EXAMPLES.iterdir()} == set(pages.names())
    assert {each.stem for each in pages.PAGES.iterdir()} == set(pages.names())
    assert [name for name in pages.names() if f"[`{name}`](causes/{name}.md)" not in overview] == []


@pytest.mark.parametrize("cause", pages.names())
def test_the_example_has_that_cause_and_the_page_is_what_is_said(cause: str, tmp_path: Path) -> None:
    done = pages.run(cause, tmp_path / cause)

    named = [finding["cause"]["id"] for finding in done.report["findings"] if finding["cause"]]
    assert named[:1] == [cause], done.text
    assert (pages.PAGES / f"{cause}.md").read_text() == pages.page(cause, done)
