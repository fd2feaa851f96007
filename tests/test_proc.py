"""The room that starts processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from alembic_rehearsal import proc
from alembic_rehearsal.errors import ProcessFailed


def _gone(pid: int, within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_a_run_returns_both_outputs_and_the_status() -> None:
    """Outputs come back as bytes, and a status that isn't 0 is allowed without `check`."""
    done = proc.run(["sh", "-c", "cat; echo err >&2; exit 3"], timeout_s=10, stdin=b"in", check=False)

    assert done.stdout == b"in"
    assert done.stderr == b"err\n"
    assert done.status == 3


def test_a_failing_run_says_command_status_and_error_output() -> None:
    """The exception is all that is needed to understand it."""
    with pytest.raises(ProcessFailed, match=r"sh -c 'echo bad >&2; exit 4' ended with status 4: bad") as caught:
        proc.run(["sh", "-c", "echo bad >&2; exit 4"], timeout_s=10)

    assert caught.value.status == 4
    assert caught.value.stderr == "bad\n"


def test_a_missing_program_is_named() -> None:
    """Also where a launcher stands in front of it."""
    with pytest.raises(ProcessFailed, match="no-such-program is not a program that can be run"):
        proc.run(["no-such-program"], timeout_s=10)


def test_a_run_out_of_time_takes_its_descendants_along() -> None:
    """Nothing of the process group outlives the time limit."""
    start = time.monotonic()
    with pytest.raises(ProcessFailed, match=r"did not end within 0\.3 s"):
        proc.run(["sh", "-c", "sleep 60 & sleep 60"], timeout_s=0.3)

    assert time.monotonic() - start < 5


def test_a_stop_ends_what_ignores_sigterm() -> None:
    """After the grace comes SIGKILL."""
    child = proc.spawn(["sh", "-c", "trap '' TERM; echo up; sleep 60; sleep 60"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()

    assert child.stop(0.2) == -signal.SIGKILL


def test_what_a_leader_leaves_behind_in_its_group_is_killed() -> None:
    """A command's background process doesn't outlive it."""
    child = proc.spawn(["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    left = int(child.stdout.read())
    child.wait(5)

    assert _gone(left)
    child.stop(0)


def test_a_child_may_be_started_from_a_thread_that_ends() -> None:
    """The kernel binds the death signal to the forking thread; the child must live on nevertheless."""
    children: list[proc.Child] = []
    thread = threading.Thread(target=lambda: children.append(proc.spawn(["sleep", "60"])))
    thread.start()
    thread.join()
    time.sleep(0.1)

    assert children[0].poll() is None
    children[0].stop(0)


def test_a_child_dies_with_the_tool() -> None:
    """SIGKILL leaves no time for a clean-up, so the kernel does it."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child of its parent's death")
    code = (
        "import time; from alembic_rehearsal import proc;"
        "print(proc.spawn(['sleep', '60']).pid, flush=True); time.sleep(60)"
    )
    tool = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert tool.stdout is not None
    pid = int(tool.stdout.readline())
    # The child asks for the signal just before it turns into the program.
    while Path(f"/proc/{pid}/comm").read_text() != "sleep\n":
        time.sleep(0.001)
    tool.kill()
    tool.wait()
    tool.stdout.close()

    assert _gone(pid)


@pytest.mark.parametrize("launcher", ["setpriv", "python"])
def test_both_launchers_drop_root_and_keep_the_death_signal(launcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where util-linux has no setpriv --pdeathsig, a line of Python does the same."""
    if sys.platform != "linux":
        pytest.skip("no launcher is needed")
    if launcher == "python":
        monkeypatch.setattr(proc, "_setpriv", lambda: "")
    elif not proc._setpriv():
        pytest.skip("no setpriv here")
    account = proc.unprivileged()
    # PR_GET_PDEATHSIG is 2.
    ask = (
        "import ctypes, os; n = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(n));"
        "print(os.getuid(), os.getgid(), os.getgroups(), n.value)"
    )
    system_python = "/usr/bin/python3"
    if not Path(system_python).exists():
        pytest.skip("no Python that every account may run")
    told = proc.run([system_python, "-c", ask], timeout_s=10, user=account).stdout.decode().split()

    assert told[0] == str(account.uid if account else os.getuid())
    assert told[-1] == str(int(signal.SIGKILL))
    if account is not None:
        assert told[1:-1] == [str(account.gid), "[]"]


def test_an_exception_while_a_child_is_born_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal handler may raise in the main thread at any moment, also between fork and return."""
    born: list[proc.Child] = []

    class Interrupted(proc.queue.SimpleQueue):  # type: ignore[name-defined, misc]
        interrupted = False

        def get(self) -> object:
            result = super().get()
            if not Interrupted.interrupted:
                Interrupted.interrupted = True
                self.put(result)
                born.append(result)
                raise KeyboardInterrupt
            return result

    monkeypatch.setattr(proc.queue, "SimpleQueue", Interrupted)  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        proc.spawn(["sleep", "60"])

    assert born[0].poll() == -signal.SIGKILL
