"""What every test starts from: an environment without the settings of a CI job or of a developer's shell."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from harness import turn

# CI takes the same examples each time: what is new there comes from the change. A contributor's runs look further.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

pytest_plugins = ["fix_postgres", "fix_projects", "fix_versions"]

_SCRUBBED = ("GITHUB_", "INPUT_", "RUNNER_", "PG")

# At import, not in a fixture: fixtures of the session scope run before any fixture of a test.
for _name in list(os.environ):
    if _name.startswith(_SCRUBBED) or _name == "DATABASE_URL":
        del os.environ[_name]


@pytest.fixture(autouse=True)
def _turn_at_the_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a test that looks for containers left on the engine have it to itself; workers share one engine."""
    marker = request.node.get_closest_marker("docker")
    with turn("engine", shared=not marker.kwargs.get("alone")) if marker else contextlib.nullcontext():
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that wait for the engine over the others: workers that compute fill the time."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting = [path for path, tests in files.items() if any(test.get_closest_marker("docker") for test in tests)]
    others = [path for path in files if path not in waiting]
    # Each has its place between 0 and 1 in its own list; the two are merged by it.
    places = {path: number / len(each) for each in (waiting, others) for number, path in enumerate(each)}
    items[:] = [item for path in sorted(files, key=places.__getitem__) for item in files[path]]


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
