"""The command in the application's own image, on a real engine."""

from __future__ import annotations

import json
import re
import shlex
import socket
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fix_images import A1, FAILS, NAME, PASSES, PYTHON, Build, containers, docker, project, require_docker, workspace

from fix_projects import BODY, CUTS_ALONE, ENV, ONCE, Run, run_tool, write_project

pytestmark = pytest.mark.docker

# The upgrade alone: each run of the command is a container of its own.
PLAIN = (*ONCE, "--no-from-base")


def rehearse(
    image: str, cwd: Path, *flags: str, env: dict[str, str] | None = None, once: tuple[str, ...] = PLAIN
) -> Run:
    usual = ("--app-image", image, "--dump", "production.sql", "--format", "json", *once)
    done = run_tool("run", *usual, *flags, cwd=cwd, env=env)
    assert containers(image) == []
    return done


def test_an_upgrade_that_goes_through_passes(build: Build, tmp_path: Path) -> None:
    """With no project in the workspace, and nothing installed there."""
    image = build(project(tmp_path / "project", PASSES))

    done = rehearse(image, workspace(tmp_path / "work"), once=())

    assert done.status == 0, done.stdout + done.stderr
    report = done.report
    assert (report["verdict"], report["to_revisions"]) == ("pass", ["b2"])
    assert report["image"].startswith(f"{image} (sha256:")
    assert report["python"].startswith("/usr/local/bin/python")
    assert report["server"]["provider"] == "docker"
    assert report["kernel_guard"] is True


def test_a_failure_stands_at_its_line_of_the_workspace(build: Build, tmp_path: Path) -> None:
    """Revision, SQLSTATE and line as without an image; the survey goes on past it; the path is the repository's."""
    body = f'{FAILS}\nop.drop_table("legacy")'
    image = build(project(tmp_path / "project", body))
    work = workspace(tmp_path / "work")
    project(work / "services" / "billing", body)

    done = rehearse(image, work)
    there = rehearse(image, work / "services" / "billing", "--dump", str(work / "production.sql"))

    assert done.status == 1, done.stdout + done.stderr
    assert done.places == [("b2", "42P07", BODY), ("b2", "42P01", BODY + 1)]
    assert done.errors[0]["location"]["path"] == "services/billing/migrations/versions/b2.py"
    assert there.errors[0]["location"]["path"] == "migrations/versions/b2.py"


def test_a_deploy_that_dies_in_its_container_is_tried(build: Build, tmp_path: Path) -> None:
    """The container's command is killed at its commit, and another container begins on what is left."""
    body = f'{PASSES}\nop.execute("COMMIT")'
    image = build(project(tmp_path / "project", body))

    done = rehearse(image, workspace(tmp_path / "work"), once=(*CUTS_ALONE, "--no-from-base"))

    assert done.status == 1, done.stdout + done.stderr
    assert [(each["check"], each["sqlstate"]) for each in done.errors] == [("not-retryable", "42701")]
    assert done.report["not_tested"] == [line for line in done.report["not_tested"] if "half-way" not in line]


def test_the_text_says_where_it_ran_and_that_nothing_else_was_in_reach(build: Build, tmp_path: Path) -> None:
    """In place of the line on the kernel's guard."""
    image = build(project(tmp_path / "project", "pass"))

    done = run_tool("run", "--app-image", image, "--dump", "production.sql", *PLAIN, cwd=workspace(tmp_path / "work"))

    assert done.status == 0, done.stdout + done.stderr
    assert f"in          the image {image} (sha256:" in done.stdout
    assert "(docker), and no network but this server's" in done.stdout


def test_an_image_as_bare_as_they_come(build: Build, tmp_path: Path) -> None:
    """A user without a name, no shell, an entry point and a health check that would fail, a volume."""
    image = build(
        project(tmp_path / "project", PASSES),
        "VOLUME /data",
        "HEALTHCHECK CMD exit 1",
        'ENTRYPOINT ["/bin/false"]',
        'RUN ["rm", "-f", "/bin/sh", "/usr/bin/sh", "/bin/bash", "/bin/dash", "/usr/bin/bash", "/usr/bin/dash"]',
        "USER 4321:4321",
    )

    done = rehearse(image, workspace(tmp_path / "work"))

    assert done.status == 0, done.stdout + done.stderr


def test_the_images_own_environment_and_no_other(build: Build, tmp_path: Path) -> None:
    """Its variables are there, led to the throw-away server; this machine's are not, but for those that are named."""
    env = (
        "import os\n"
        "assert os.environ['SETTING'] == 'of the image' and os.environ['PYTHONPATH'].endswith(':/app')\n"
        "assert 'production' not in os.environ['DATABASE_URL'], os.environ['DATABASE_URL']\n"
        "assert os.environ['DATABASE_URL'].startswith('postgresql+psycopg2://')\n"
        "assert 'PGSSLMODE' not in os.environ and os.environ['PGPORT'] == '5432'\n"
        "assert os.environ['SECRET_KEY'] == 'k=1' and os.environ['TOKEN'] == 'from here'\n"
        "assert 'OF_THE_JOB' not in os.environ\n" + ENV.format(configure="")
    )
    image = build(
        project(tmp_path / "project", PASSES, env=env),
        "ENV SETTING='of the image' PYTHONPATH=/app PGSSLMODE=verify-full PGHOST=db.production.example",
        "ENV DATABASE_URL=postgresql+psycopg2://app:secret@db.production.example/app",
    )
    flags = ("--app-env", "SECRET_KEY=k=1", "--app-env", "TOKEN")

    done = rehearse(image, workspace(tmp_path / "work"), *flags, env={"TOKEN": "from here", "OF_THE_JOB": "1"})

    assert done.status == 0, done.stdout + done.stderr


def test_the_command_of_the_docs(build: Build, tmp_path: Path) -> None:
    """The image of docs/usage.md is here under its name, so no registry is asked for it."""
    text = (Path(__file__).parents[2] / "docs" / "usage.md").read_text()
    [line] = re.findall(r"^alembic-rehearsal (run --app-image .*)$", text, re.MULTILINE)
    name = shlex.split(line)[2]
    image = build(project(tmp_path / "project", PASSES))
    docker("tag", image, name)

    done = run_tool(*shlex.split(line), cwd=workspace(tmp_path / "work"))
    docker("rmi", name)

    assert done.status == 0, done.stdout + done.stderr


def test_another_directory_and_another_command_in_the_image(build: Build, tmp_path: Path) -> None:
    """`--command`, `--config`, `--python` and `--app-directory` are the image's paths."""
    write_project(tmp_path / "project" / "backend", {"a1": A1, "b2": PASSES})
    image = build(
        tmp_path / "project",
        "RUN python -m venv --system-site-packages /opt/venv && cp /usr/local/bin/alembic /opt/venv/bin/",
    )
    work = workspace(tmp_path / "work")

    for flags in (
        ("--config", "backend/alembic.ini"),
        ("--app-directory", "/app/backend", "--command", "python -m alembic upgrade head"),
        ("--app-directory", "backend", "--python", "/opt/venv/bin/python"),
    ):
        done = rehearse(image, work, *flags)

        assert done.status == 0, done.stdout + done.stderr
    assert done.report["python"] == "/opt/venv/bin/python"


@dataclass(frozen=True)
class Listener:
    """A container that stands for production's server."""

    name: str
    address: str

    @property
    def visits(self) -> int:
        return docker("logs", self.name).count("visit")


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A server on the engine's bridge that counts its visitors."""
    require_docker()
    program = (
        "import socket\ns = socket.create_server(('', 5432))\nprint('up', flush=True)\n"
        "while True:\n    c, _ = s.accept()\n    print('visit', flush=True)\n    c.close()"
    )
    name = f"{NAME}-production-{time.time_ns()}"
    docker("run", "-d", "--name", name, "--entrypoint", "python3", PYTHON, "-c", program)
    while "up" not in docker("logs", name):
        time.sleep(0.1)
    address = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
    yield Listener(name, address)
    docker("rm", "-f", "-v", name)


def test_production_is_out_of_reach_whatever_the_command_does(build: Build, tmp_path: Path, listener: Listener) -> None:
    """A URL in env.py is redirected; a program that the probe isn't in finds no way there, by address or by name."""
    socket.create_connection((listener.address, 5432), timeout=5).close()
    attempt = (
        "import socket, sys\n"
        "for where in (sys.argv[1], 'db.production.example', '172.17.0.1'):\n"
        "    for port in (5432, 443, 22):\n"
        "        try:\n            socket.create_connection((where, port), timeout=2)\n"
        "        except OSError:\n            continue\n"
        "        sys.exit('reached ' + where)"
    )
    body = f"""
    import subprocess, sys
    subprocess.run([sys.executable, "-I", "-S", "-c", {attempt!r}, {listener.address!r}], check=True)
    {PASSES}
    """
    made = project(tmp_path / "project", body)
    ini = (made / "alembic.ini").read_text().replace("db.production.example", listener.address)
    (made / "alembic.ini").write_text(ini)

    done = rehearse(build(made), workspace(tmp_path / "work"))

    assert done.status == 0, done.stdout + done.stderr
    assert listener.visits == 1  # this test's own


def test_a_way_out_that_was_refused_is_reported_with_what_can_be_done(build: Build, tmp_path: Path) -> None:
    """No port can be opened in the image's network, so none is offered."""
    env = "import socket\nsocket.create_connection(('10.0.0.1', 6379), timeout=2)\n" + ENV.format(configure="")
    image = build(project(tmp_path / "project", PASSES, env=env))

    done = rehearse(image, workspace(tmp_path / "work"))

    assert done.status == 3, done.stdout + done.stderr
    [fix] = {each["fix"] for each in done.report["findings"] if each["check"] == "refused-connection"}
    assert "--allow-port" not in fix


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "has no program alembic: it is not in /usr/local/bin:"),
        (("--command", "ls"), "there is no Python in the image"),
    ],
)
def test_an_image_without_what_is_needed(build: Build, tmp_path: Path, flags: tuple[str, ...], message: str) -> None:
    """No verdict, and one error that says what is missing and where it was looked for."""
    image = build(project(tmp_path / "project", PASSES), "RUN rm -rf /usr/local/bin", source=PYTHON)

    done = rehearse(image, workspace(tmp_path / "work"), *flags)

    assert done.status == 3, done.stdout + done.stderr
    [finding] = done.report["findings"]
    assert message in finding["message"]
    assert "image" in finding["fix"]


def test_an_image_without_the_configuration_file(build: Build, tmp_path: Path) -> None:
    """The error names the directory in the image."""
    made = project(tmp_path / "project", PASSES)
    (made / "alembic.ini").unlink()

    done = rehearse(build(made), workspace(tmp_path / "work"))

    assert done.status == 3, done.stdout + done.stderr
    assert "there is no alembic.ini in /app of the image" in done.report["findings"][0]["message"]


def test_an_image_that_is_nowhere(tmp_path: Path) -> None:
    """Neither here nor in a registry."""
    require_docker()

    done = rehearse("alembic-rehearsal-test.invalid/none:1", workspace(tmp_path / "work"))

    assert done.status == 3, done.stdout + done.stderr
    [finding] = done.report["findings"]
    assert "alembic-rehearsal-test.invalid/none:1 is not here and can't be pulled" in finding["message"]
    assert finding["fix"].startswith("docker pull alembic-rehearsal-test.invalid/none:1\n")


def test_an_image_for_another_machine(build: Build, tmp_path: Path) -> None:
    """Its programs can't be run, and the error says why."""
    image = build(project(tmp_path / "project", PASSES))
    foreign = _foreign(image, tmp_path)

    done = rehearse(foreign, workspace(tmp_path / "work"))
    docker("rmi", "-f", foreign)

    assert done.status == 3, done.stdout + done.stderr
    assert f"the image {foreign} is for s390x, and the container engine runs" in done.report["findings"][0]["message"]


def _foreign(image: str, folder: Path) -> str:
    """Return an image that says it is for another architecture, and whose interpreter is none of this machine's."""
    work = folder / "foreign"
    (work / "saved").mkdir(parents=True)
    # The head of an ELF file for machine 22, s390x. Several names lead to the interpreter: the file is replaced.
    (work / "python").write_bytes(b"\x7fELF\x02\x02\x01" + bytes(9) + b"\x00\x02\x00\x16" + bytes(100))
    (work / "python").chmod(0o755)
    (work / "Dockerfile").write_text(f"FROM {image}\nCOPY python /usr/local/bin/python3.13\n")
    tag = f"{NAME}:foreign-{time.time_ns()}"
    docker("build", "-q", "-t", tag, str(work))
    docker("save", "-o", str(work / "image.tar"), tag)
    docker("rmi", tag)
    with tarfile.open(work / "image.tar") as archive:
        archive.extractall(work / "saved", filter="data")
    [manifest] = json.loads((work / "saved" / "manifest.json").read_text())
    path = work / "saved" / manifest["Config"]
    path.write_text(json.dumps({**json.loads(path.read_text()), "architecture": "s390x"}))
    with tarfile.open(work / "image.tar", "w") as archive:
        archive.add(work / "saved", arcname=".")
    docker("load", "-i", str(work / "image.tar"))
    return tag


def test_the_trials_after_the_upgrade_are_made_in_the_image_too(build: Build, tmp_path: Path) -> None:
    """Each in a container of its own, held at the barrier through its container's input."""
    image = build(project(tmp_path / "project", 'op.create_table("teams", sa.Column("id", sa.Integer))'))

    done = rehearse(image, workspace(tmp_path / "work"), "--instances", "2", "--divergence", "off", once=())

    assert done.status == 0, done.stdout + done.stderr
    found = {each["check"]: each for each in done.report["findings"]}
    assert set(found) == {"not-race-safe", "not-repeatable"}
    assert "Of 2 upgrades at once, on one copy of production's schema, 1 fails" in found["not-race-safe"]["message"]
    assert found["not-repeatable"]["evidence"][0].partition(": ")[2].startswith("SQLSTATE 42P07")
