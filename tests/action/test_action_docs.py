"""docs/action.md and the workflows say what the action has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
PAGE = (ROOT / "docs" / "action.md").read_text()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(content: Any) -> list[dict[str, Any]]:
    """Return every step in a workflow, a list of steps, or a part of a step."""
    if isinstance(content, dict) and "jobs" in content:
        return [step for job in content["jobs"].values() for step in job["steps"]]
    return content if isinstance(content, list) else [{"uses": "OWNER/alembic-rehearsal@v1", **content}]


def test_every_input_and_output_is_on_the_page() -> None:
    """The page names them all."""
    named = set(re.findall(r"`([a-z-]+)`", PAGE))

    assert {*ACTION["inputs"], *ACTION["outputs"]} - named == set()


def test_the_examples_use_inputs_that_exist() -> None:
    """Each block of YAML parses, and what it gives the action is an input."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    given = [
        step.get("with", {})
        for block in blocks
        for step in steps(yaml.safe_load(block))
        if step.get("uses", "").startswith("OWNER/")
    ]

    assert len(given) == len(blocks)
    assert {name for each in given for name in each} <= set(ACTION["inputs"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_workflows_have_least_permissions_and_pinned_actions(path: Path) -> None:
    """Nothing at the top, a time limit for each job, every action by its commit with the version beside it."""
    workflow = yaml.safe_load(path.read_text())
    used = re.findall(r"uses: (.*)", path.read_text())

    assert workflow["permissions"] == {}
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())
    assert [each for each in used if not re.fullmatch(r"\./|[\w./-]+@[0-9a-f]{40} # v[\d.]+", each)] == []


def test_no_text_of_an_expression_is_spliced_into_a_script() -> None:
    """Values reach a shell as variables only."""
    scripts = [step["run"] for path in WORKFLOWS for step in steps(yaml.safe_load(path.read_text())) if "run" in step]

    assert [script for script in scripts if "${{" in script] == []


def test_the_smoke_workflow_uses_the_action_with_inputs_that_exist() -> None:
    """One passes, one is blocked."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "smoke.yml").read_text())
    used = [step["with"] for step in steps(workflow) if step.get("uses") == "./"]

    assert len(used) == 2
    assert {name for each in used for name in each} <= set(ACTION["inputs"])
