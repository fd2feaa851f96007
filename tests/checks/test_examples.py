"""Every check's bad project is found, its good twin is not, and docs/checks.md shows what is said of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts import checks as page

from alembic_rehearsal.checks import CHECKS


def test_every_check_has_its_examples_or_a_reason() -> None:
    folders = {each.name for each in page.EXAMPLES.iterdir() if not each.name.startswith("_")}

    assert folders == {check.ID for check in CHECKS} - set(page.WITHOUT)
    assert list(page.sections(page.PAGE.read_text())) == page.names()


@pytest.mark.parametrize("check", page.names())
def test_the_bad_project_is_found_and_its_good_twin_is_not(check: str, tmp_path: Path) -> None:
    bad, good = (page.run(check, kind, tmp_path / kind) for kind in ("bad", "good"))

    assert bad.of(check), bad.text
    # A note is no alarm: what is skipped is as it should be, rows are not there.
    alarms = [each for each in good.report["findings"] if each["check"] == check or each["severity"] != "note"]
    assert (good.status, alarms) == (0, []), good.text
    assert page.sections(page.PAGE.read_text())[check] == page.section(check, bad)
