"""A step of a job, run as GitHub's runner runs the step of a Docker action.

The command line follows DockerCommandManager.cs and ContainerActionHandler.cs of https://github.com/actions/runner,
the reading of the log ActionCommand.cs and ActionCommandManager.cs.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness import turn

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "sso_sessions"
BASE = "python:3.13-slim-trixie"
IMAGE = "alembic-rehearsal-test-action"
# The account of the hosted runners; the workspace is its own, and the container's root is not.
RUNNER_UID = 1001
_FILES = ("OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY")
_SOCKET = Path("/var/run/docker.sock")

_COMMAND = re.compile(r"\s*::([\w-]+)(?: ([^:]*))?::(.*)")
_OLD_COMMAND = re.compile(r"##\[([\w-]+)(?: ([^\]]*))?\](.*)")


@dataclass(frozen=True)
class Command:
    """One command that the runner would have obeyed."""

    name: str
    properties: dict[str, str]
    message: str


@dataclass(frozen=True)
class Step:
    """What one step left behind."""

    status: int
    log: str
    outputs: dict[str, str]
    summary: str
    workspace: Path
    temp: Path
    seconds: float

    @property
    def commands(self) -> list[Command]:
        """What the runner would have obeyed, the plumbing of groups and pauses left out."""
        return [each for each in obeyed(self.log) if each.name not in ("group", "endgroup", "add-mask")]

    @property
    def errors(self) -> list[Command]:
        return [each for each in self.commands if each.name == "error"]


def obeyed(log: str) -> Iterator[Command]:
    """Yield the commands in *log*: a line ends at a bare carriage return too, and the older form is found anywhere."""
    paused = ""
    for line in re.split(r"\r\n|\n|\r", log):
        if paused:
            if line.strip() == f"::{paused}::":
                paused = ""
            continue
        found = _COMMAND.match(line) or _OLD_COMMAND.search(line)
        if not found:
            continue
        name, properties, message = found[1], found[2] or "", found[3]
        if name == "stop-commands":
            paused = message
            continue
        pairs = (part.partition("=") for part in re.split("[,;]", properties) if part)
        yield Command(name, {key: _plain(value) for key, _, value in pairs}, _plain(message))


def _plain(text: str) -> str:
    for code, character in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


ONCE = {"idempotence": "off", "severity": "second-run-not-a-no-op=off", "from-base": "false"}
"""Inputs of a step that makes the upgrade alone; a test's own win."""

DEFAULTS = dict.fromkeys(ONCE, "")
"""Inputs that aren't given: GitHub passes them as empty."""


@dataclass
class Runner:
    """The runner's folders on the host, and how it starts the image."""

    image: str
    folder: Path
    workspace: Path = field(init=False)
    name: str = field(default_factory=lambda: f"{IMAGE}-{secrets.token_hex(3)}")
    _variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.workspace = self.folder / "work" / "app" / "app"
        for part in ("_temp/_github_home", "_temp/_github_workflow", "_temp/_runner_file_commands"):
            (self.folder / "work" / part).mkdir(parents=True)
        self.workspace.mkdir(parents=True)

    @property
    def temp(self) -> Path:
        return self.folder / "work" / "_temp"

    def checkout(self, project: Path) -> None:
        """Put a project into the workspace, as actions/checkout does."""
        shutil.copytree(project, self.workspace, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))

    def argv(self, inputs: Mapping[str, str], env: Mapping[str, str], *, socket: bool, network: str) -> list[str]:
        files = {f"GITHUB_{name}": f"/github/file_commands/{name.lower()}" for name in _FILES}
        for name in _FILES:
            (self.temp / "_runner_file_commands" / name.lower()).write_text("")
        for path in (self.folder / "work").rglob("*"):
            os.chown(path, RUNNER_UID, RUNNER_UID, follow_symlinks=False)
        os.chown(self.workspace, RUNNER_UID, RUNNER_UID)
        variables = {
            **{f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in inputs.items()},
            **env,
            "HOME": "/github/home",
            "GITHUB_WORKSPACE": "/github/workspace",
            "GITHUB_EVENT_PATH": "/github/workflow/event.json",
            **files,
            "RUNNER_TEMP": "/github/runner_temp",
            "RUNNER_WORKSPACE": str(self.workspace.parent),
            "ACTIONS_RUNTIME_TOKEN": "the-token-of-the-job",
            "GITHUB_ACTIONS": "true",
            "CI": "true",
        }
        mounts = {
            self.temp: "/github/runner_temp",
            self.temp / "_github_home": "/github/home",
            self.temp / "_github_workflow": "/github/workflow",
            self.temp / "_runner_file_commands": "/github/file_commands",
            self.workspace: "/github/workspace",
        }
        if socket:
            mounts[_SOCKET] = "/var/run/docker.sock"
        self._variables = variables
        return [
            *("docker", "run", "--name", self.name, "--label", IMAGE, "--workdir", "/github/workspace", "--rm"),
            *(part for name in variables for part in ("-e", name)),
            *(("--network", network) if network else ()),
            *(part for host, inside in mounts.items() for part in ("-v", f"{host}:{inside}")),
            self.image,
        ]

    def start(
        self,
        inputs: Mapping[str, str],
        env: Mapping[str, str] | None = None,
        *,
        socket: bool = False,
        network: str = "",
    ) -> subprocess.Popen[str]:
        """Start the step; values travel through the environment of the client."""
        argv = self.argv({**ONCE, **inputs}, env or {}, socket=socket, network=network)
        return subprocess.Popen(
            argv,
            env={**os.environ, **self._variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def run(
        self,
        inputs: Mapping[str, str],
        env: Mapping[str, str] | None = None,
        *,
        socket: bool = False,
        network: str = "",
        timeout_s: float = 180,
    ) -> Step:
        """Run the step to its end."""
        began = time.monotonic()
        process = self.start(inputs, env, socket=socket, network=network)
        return self.finished(process, began, timeout_s)

    def finished(self, process: subprocess.Popen[str], began: float, timeout_s: float = 60) -> Step:
        """Wait for a step's end and read what it left."""
        try:
            log, _ = process.communicate(timeout=timeout_s)
        finally:
            subprocess.run(["docker", "rm", "-f", "-v", self.name], capture_output=True, check=False)
        commands = self.temp / "_runner_file_commands"
        return Step(
            status=process.returncode,
            log=log,
            outputs=outputs_in((commands / "output").read_text()),
            summary=(commands / "step_summary").read_text(),
            workspace=self.workspace,
            temp=self.temp,
            seconds=time.monotonic() - began,
        )


def outputs_in(text: str) -> dict[str, str]:
    """Read a file of outputs as the runner does."""
    found = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        name, _, end = line.partition("<<")
        assert "=" not in name, "the runner would read this as name=value"
        values = []
        for each in lines:
            if each == end:
                break
            values.append(each)
        else:
            raise AssertionError(f"the delimiter of {name} is missing: the runner would fail the step")
        found[name] = "\n".join(values)
    return found


def missing() -> str:
    """Return what is missing for these tests; "" when nothing is."""
    if shutil.which("docker") is None:
        return "there is no docker client"
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        return "no Docker engine answers"
    if subprocess.run(["docker", "image", "inspect", BASE], capture_output=True, check=False).returncode:
        if os.environ.get("REHEARSAL_REQUIRE_DOCKER") == "1":
            subprocess.run(["docker", "pull", "-q", BASE], capture_output=True, check=False)
            return ""
        return f"the base image {BASE} is not here"
    return ""


def build(tag: str) -> subprocess.CompletedProcess[str]:
    """Build the image as the runner does: no flags, the Dockerfile's directory is the context."""
    return subprocess.run(
        ["docker", "build", "-t", tag, "-f", str(ROOT / "Dockerfile"), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    """The action's image, built once; its tag is taken away afterwards."""
    reason = missing()
    if reason and os.environ.get("REHEARSAL_REQUIRE_DOCKER") != "1":
        pytest.skip(reason)
    assert not reason, reason
    tag = f"{IMAGE}:{secrets.token_hex(4)}"
    with turn("building"):  # else each worker makes every layer
        done = build(tag)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    yield tag
    subprocess.run(["docker", "rmi", tag], capture_output=True, check=False)


@pytest.fixture
def runner(image: str, tmp_path: Path) -> Runner:
    """A runner with an empty workspace."""
    return Runner(image, tmp_path)
