"""The image itself."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from fix_runner import BASE, build

pytestmark = pytest.mark.docker

# Uncompressed, and without the base image, which hosted runners have at hand or fetch for others too.
MOST_BYTES = 350_000_000


def inspected(image: str) -> dict[str, Any]:
    done = subprocess.run(["docker", "image", "inspect", image], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)[0]
    return result


def test_it_is_what_the_runner_asks_for(image: str) -> None:
    """Root, no directory of its own, an entry point without a shell, so that PID 1 gets the signals."""
    config = inspected(image)["Config"]

    assert config["Entrypoint"] == ["/usr/local/bin/python3", "-I", "/entrypoint.py"]
    assert (config["User"], config["WorkingDir"]) == ("", "")
    assert "PYTHONUNBUFFERED=1" in config["Env"]


def test_it_adds_little_to_its_base(image: str) -> None:
    """Each job on a hosted runner fetches it anew."""
    assert inspected(image)["Size"] - inspected(BASE)["Size"] < MOST_BYTES


def test_a_build_without_a_change_makes_nothing_new(image: str) -> None:
    """Every layer comes from the cache."""
    before = inspected(image)["Id"]

    assert build(image).returncode == 0

    assert inspected(image)["Id"] == before


def test_there_is_no_compiler_in_it(image: str) -> None:
    """Nothing of the build is left."""
    done = subprocess.run(
        ["docker", "run", "--rm", "--entrypoint", "sh", image, "-c", "command -v gcc cc clang ld make"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == ""
