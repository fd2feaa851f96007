"""What every test starts from: an environment without the settings of a CI job or of a developer's shell."""

from __future__ import annotations

import os

pytest_plugins = ["fix_postgres", "fix_projects"]

_SCRUBBED = ("GITHUB_", "INPUT_", "RUNNER_", "PG")

# At import, not in a fixture: fixtures of the session scope run before any fixture of a test.
for _name in list(os.environ):
    if _name.startswith(_SCRUBBED) or _name == "DATABASE_URL":
        del os.environ[_name]
