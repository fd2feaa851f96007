"""The only room that starts processes: each dies with the tool, and none outlives its stop."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from alembic_rehearsal import sandbox
from alembic_rehearsal.attendant import Attendant, Refusal
from alembic_rehearsal.errors import ProcessFailed

# The last resort where setpriv can't do it. It is the child itself, single-threaded, that drops its
# identity and then asks for the signal: a change of identity clears the request, prctl(2).
_LAUNCHER = """
import ctypes, os, sys
death, uid, gid = map(int, sys.argv[1:4])
if uid >= 0:
    os.setgroups([]); os.setgid(gid); os.setuid(uid)
ctypes.CDLL(None).prctl(1, death, 0, 0, 0)
os.execvp(sys.argv[4], sys.argv[4:])
"""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a process runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Completed:
    """A process that has ended; `status` is negative for a signal."""

    argv: tuple[str, ...]
    status: int
    stdout: bytes
    stderr: bytes


@functools.lru_cache(maxsize=1)
def unprivileged() -> Account | None:
    """Return the account that a server started by root runs as; None when the tool isn't root.

    PostgreSQL refuses to run as root. Its own account would be let in by a production server on the same machine
    that trusts its Unix socket's peers, so `nobody` is the better one.
    """
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "postgres"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    return Account("65534", 65534, 65534)


class Child:
    """A running process, leader of its own session and process group.

    Attributes:
        guards: those of `sandbox` that are on for it and for all that it starts.
    """

    def __init__(self, popen: subprocess.Popen[bytes], ended: threading.Event, entered: sandbox.Entered) -> None:
        self._popen = popen
        self._ended = ended
        self.guards = entered.guards
        self._entered = entered
        self._attendant: Attendant | None = None

    def attend(self) -> None:
        """Let somebody answer its connect() calls, and those of its descendants, from now on."""
        self._attendant = self._entered.attend()

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """Return the Unix sockets that were refused so far."""
        return () if self._attendant is None else tuple(self._attendant.refused)

    @property
    def pid(self) -> int:
        """Return the process id, which is the process group's id too."""
        return self._popen.pid

    @property
    def stdin(self) -> IO[bytes] | None:
        """Return the pipe to its input, if one was asked for."""
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes] | None:
        """Return the pipe from its output, if one was asked for."""
        return self._popen.stdout

    @property
    def stderr(self) -> IO[bytes] | None:
        """Return the pipe from its error output, if one was asked for."""
        return self._popen.stderr

    def poll(self) -> int | None:
        """Return its status, None while it runs."""
        return self._popen.returncode if self._ended.is_set() else None

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait for its end and return the status; None when the time ran out first."""
        self._ended.wait(timeout_s)
        return self.poll()

    def communicate(self, feed: bytes | None, timeout_s: float) -> tuple[bytes, bytes]:
        """Feed it, read both its outputs to their end, wait for its own.

        Raises:
            subprocess.TimeoutExpired: it isn't done.
        """
        stdout, stderr = self._popen.communicate(feed, timeout=timeout_s)
        self._ended.wait(5.0)
        return stdout or b"", stderr or b""

    def signal(self, number: int) -> None:
        """Send a signal to the whole process group; nothing happens when it is gone."""
        # An ended leader's number may already be another process's.
        if not self._ended.is_set():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def ask(self, number: int, timeout_s: float) -> int | None:
        """Send a signal to the leader alone and wait for its end, as `wait` does."""
        if not self._ended.is_set():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)
        return self.wait(timeout_s)

    def stop(self, grace_s: float = 5.0) -> int | None:
        """End the whole process group: SIGTERM, `grace_s` to obey, SIGKILL.

        When the leader has ended, its keeper has killed what was left of the group already.
        """
        try:
            if grace_s > 0:
                self.signal(signal.SIGTERM)
                self._ended.wait(grace_s)
        finally:
            # Also on the way out of a KeyboardInterrupt: the group must be gone.
            self.signal(signal.SIGKILL)
            self._ended.wait(5.0)
            for pipe in (self.stdin, self.stdout, self.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        return self.poll()


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    user: Account | None = None,
    stdin: int | IO[Any] | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    fence: sandbox.Fence | None = None,
    death_signal: int = signal.SIGKILL,
    pass_fds: Collection[int] = (),
) -> Child:
    """Start a process in a session of its own; on Linux it gets `death_signal` when the tool dies.

    It and its descendants are behind the `fence` as far as the kernel knows how; `Child.guards` says how far that is.
    Standard streams that aren't given are /dev/null.

    Raises:
        ProcessFailed: the program can't be started.
    """
    prefix, drop = _deathbed(death_signal, user)
    options: dict[str, Any] = {
        "env": None if env is None else dict(env),
        "cwd": cwd,
        "stdin": subprocess.DEVNULL if stdin is None else stdin,
        "stdout": subprocess.DEVNULL if stdout is None else stdout,
        "stderr": subprocess.DEVNULL if stderr is None else stderr,
        "start_new_session": True,
        "pass_fds": tuple(pass_fds),
    }
    if drop is not None:
        options |= {"user": drop.uid, "group": drop.gid, "extra_groups": []}
    _check_program(argv[0], env, cwd)
    command = [*prefix, *argv]
    outcome: queue.SimpleQueue[Child | Exception] = queue.SimpleQueue()

    def keep() -> None:
        # The kernel binds both things to the thread: the fence to the one that asked for it, and the
        # death signal to the one that forked. So this thread lives as long as the child.
        ended = threading.Event()
        entered = sandbox.Entered()
        try:
            if fence is not None:
                entered = sandbox.enter(fence)
            popen = subprocess.Popen(command, **options)
        except (OSError, subprocess.SubprocessError) as error:
            entered.close()
            outcome.put(error)
            return
        outcome.put(Child(popen, ended, entered))
        try:
            _see_off(popen)
        finally:
            ended.set()

    threading.Thread(target=keep, name=f"keeper of {argv[0]}", daemon=True).start()
    try:
        result = outcome.get()
    except BaseException:
        # A signal handler raised while the child was being born: nobody else would ever stop it.
        late = outcome.get()
        if isinstance(late, Child):
            late.stop(0)
            late.attend()
        raise
    if isinstance(result, Exception):
        message = f"{argv[0]} could not be started: {result}"
        raise ProcessFailed(message, status=None) from result
    # Not by the keeper: a thread behind the fence is one that the attendant would wait for.
    result.attend()
    return result


def run(
    argv: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    user: Account | None = None,
    stdin: bytes | IO[Any] | None = None,
    check: bool = True,
) -> Completed:
    """Run a program to its end and return what it printed.

    Raises:
        ProcessFailed: it can't be started, ran out of time, or (with `check`) its status isn't 0.
    """
    feed = subprocess.PIPE if isinstance(stdin, bytes) else stdin
    child = spawn(argv, env=env, cwd=cwd, user=user, stdin=feed, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        stdout, stderr = child.communicate(stdin if isinstance(stdin, bytes) else None, timeout_s)
    except subprocess.TimeoutExpired as error:
        message = f"{shlex.join(argv)} did not end within {timeout_s:g} s"
        raise ProcessFailed(message, status=None, stderr=_text(error.stderr)) from None
    finally:
        child.stop(0)
    status = child.poll()
    if status is None:
        message = f"{shlex.join(argv)} closed its outputs and did not end"
        raise ProcessFailed(message, status=None, stderr=_text(stderr))
    if check and status != 0:
        message = f"{shlex.join(argv)} ended with status {status}: {_text(stderr).strip()}"
        raise ProcessFailed(message, status=status, stderr=_text(stderr))
    return Completed(tuple(argv), status, stdout, stderr)


def _text(raw: bytes | str | None) -> str:
    return raw.decode(errors="replace") if isinstance(raw, bytes) else raw or ""


def _see_off(popen: subprocess.Popen[bytes]) -> None:
    """Wait for a process's end and kill what is left of its group."""
    if hasattr(os, "waitid"):
        # Not reaped yet, so that its number, which is the group's, can't be another's. (`communicate`
        # may be quicker and reap it; then this comes a moment later.)
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)
    else:
        popen.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()


def _check_program(name: str, env: Mapping[str, str] | None, cwd: str | os.PathLike[str] | None) -> None:
    """Look for the program as the child would.

    Raises:
        ProcessFailed: it isn't there. Behind a launcher that would only be a status 127.
    """
    path = (os.environ if env is None else env).get("PATH", os.defpath)
    place = name if "/" not in name or cwd is None else os.path.join(cwd, name)  # noqa: PTH118
    if shutil.which(place, path=path) is None:
        message = f"{name} is not a program that can be run"
        raise ProcessFailed(message, status=None)


def _deathbed(death_signal: int, user: Account | None) -> tuple[list[str], Account | None]:
    """Return what to put before a command so that it dies with us, and whom Popen has to turn into."""
    if sys.platform != "linux":
        return [], user
    setpriv = _setpriv()
    if setpriv:
        return [setpriv, "--pdeathsig", signal.Signals(death_signal).name.removeprefix("SIG"), "--"], user
    who = (-1, -1) if user is None else (user.uid, user.gid)
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(int(death_signal)), str(who[0]), str(who[1])]
    return launcher, None


@functools.lru_cache(maxsize=1)
def _setpriv() -> str:
    """Return util-linux's setpriv if it knows --pdeathsig (2.33 and later; busybox's doesn't), else ""."""
    found = shutil.which("setpriv")
    if not found:
        return ""
    # A constant list, no descendants, done in milliseconds: it needs none of what `spawn` is for.
    asked = subprocess.run([found, "--help"], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return found if b"--pdeathsig" in asked.stdout else ""


def end_strays(variable: str) -> None:
    """Kill every process of this account that has *variable*, as NAME=value, in its environment.

    A child that made a session of its own has left the process group; what it was started with is left to know it by.
    Does nothing where there is no /proc, see proc(5).
    """
    wanted = variable.encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
