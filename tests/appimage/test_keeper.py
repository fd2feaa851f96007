"""The first process of the command's container, as a process of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alembic_rehearsal import probe

KEEPER = Path(probe.DIRECTORY, "keeper.py")
Keep = Callable[..., "subprocess.Popen[bytes]"]


def interpreters() -> list[str]:
    """Return this interpreter and the others that pyenv has, from 3.6 on."""
    found = [sys.executable]
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip()
        found += sorted(str(path) for path in Path(root, "versions").glob("3.*/bin/python"))
    return found


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Keep]:
    """Start the keeper of a program in Python, whose first argument is the run's directory."""
    (tmp_path / "events.jsonl").touch()
    kept = []

    def start(program: str, python: str = sys.executable) -> subprocess.Popen[bytes]:
        argv = [python, "-I", "-S", str(KEEPER), str(tmp_path), sys.executable, "-c", textwrap.dedent(program)]
        kept.append(
            subprocess.Popen(
                [*argv, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        )
        return kept[-1]

    yield start
    for process in kept:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def said(process: subprocess.Popen[bytes]) -> list[bytes]:
    assert process.stdout is not None
    return process.stdout.read().splitlines()


def tell(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.flush()


@pytest.mark.parametrize("python", interpreters(), ids=lambda path: Path(path).parent.parent.name)
def test_it_carries_everything_there_and_back(keep: Keep, python: str) -> None:
    """The endpoint in, the events and the status out, what is printed apart; from Python 3.6 on."""
    program = """
    import os, sys, time
    while not os.path.exists(sys.argv[1] + "/ready.json"):
        time.sleep(0.01)
    with open(sys.argv[1] + "/events.jsonl", "a") as file:
        file.write(open(sys.argv[1] + "/ready.json").read() + "\\n" + "x" * 200000 + "\\n" + "cut off")
    print("on output", flush=True)
    sys.exit("on errors")
    """
    process = keep(program, python)

    tell(process, b"rel")
    time.sleep(0.1)
    tell(process, b'ease {"port": 5432}\n')

    assert said(process) == [
        b'{"event": "keeper"}',
        b'{"port": 5432}',
        b"x" * 200000,
        b'{"event": "keeper-ended", "status": 1}',
    ]
    assert process.stderr is not None
    assert process.stderr.read() == b"on output\non errors\n"


@pytest.mark.parametrize(("action", "status"), [("SIG_DFL", b"-15"), ("SIG_IGN", b"-9")])
def test_a_stop_asks_first(keep: Keep, action: str, status: bytes) -> None:
    """And kills when the time that it was given is over."""
    process = keep(f"import signal, time\nsignal.signal(15, signal.{action})\nprint('up', flush=True)\ntime.sleep(60)")
    assert process.stderr is not None
    process.stderr.readline()

    tell(process, b"stop 0.3\n")

    assert said(process)[-1] == b'{"event": "keeper-ended", "status": %s}' % status


def test_without_the_tool_it_ends_everything(keep: Keep) -> None:
    """The engine closes its input when the tool is gone."""
    process = keep("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)")
    assert process.stderr is not None
    child = int(process.stderr.readline())
    assert process.stdin is not None

    process.stdin.close()

    assert process.wait(10) == 0
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("the command still runs")


def test_a_program_that_is_none_is_said_to_be_one(tmp_path: Path) -> None:
    """With the status that a shell gives."""
    (tmp_path / "events.jsonl").touch()
    argv = [sys.executable, "-I", "-S", str(KEEPER), str(tmp_path), os.fspath(tmp_path / "nothing")]

    # Its input stays open: the end of it would be the tool's.
    reading, writing = os.pipe()
    done = subprocess.run(argv, stdin=reading, capture_output=True, check=True)
    os.close(reading)
    os.close(writing)

    assert done.stdout.endswith(b'{"event": "keeper-ended", "status": 127}\n')
    assert b"nothing could not be started: [Errno 2]" in done.stderr
