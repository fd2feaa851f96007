"""What every test starts from: an environment without the settings of a CI job or of a developer's shell."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

pytest_plugins = ["fix_postgres", "fix_projects", "fix_versions"]

_SCRUBBED = ("GITHUB_", "INPUT_", "RUNNER_", "PG")

# At import, not in a fixture: fixtures of the session scope run before any fixture of a test.
for _name in list(os.environ):
    if _name.startswith(_SCRUBBED) or _name == "DATABASE_URL":
        del os.environ[_name]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is required, as in CI, a test that has to be skipped has failed."""
    report = yield
    # The matrix is a choice of its own, which CI makes.
    chosen = "REHEARSAL_MATRIX=1" not in str(report.longrepr)
    if report.skipped and chosen and os.environ.get("REHEARSAL_REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped although REHEARSAL_REQUIRE_ALL is set: {report.longrepr}"
    return report
