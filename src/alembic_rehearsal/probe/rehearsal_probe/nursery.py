"""Keep a copy of this process where it waits for its first connection, so that trials can begin there.

Most of a command's time is its imports. The copy, the nursery, has them behind it: it forks a child for each trial that
the tool names on a fifo, and writes down how each ended. The run itself goes on as if nothing had been: the nursery is
no child of it, holds none of its streams, and is gone when the tool closes the fifo or dies.
"""

from __future__ import annotations

import os
import signal
import stat
import sys

from . import gate, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FIFO, PID, STATUS = "nursery", "pid", "status"
_POLL_MS = 10
_state = {"settled": False, "forking": False}


def forking() -> bool:
    """Whether the process that a fork has just made is the nursery's affair, and not one of the command's."""
    return _state["forking"]


def settle() -> None:
    """Fork the nursery, once, if the tool wants it and nothing is in the way. Returns in each trial's process too."""
    if _state["settled"] or not gate.config().get("nursery"):
        return
    _state["settled"] = True
    try:
        obstacle = _obstacle()
    except OSError as error:
        obstacle = str(error)
    if obstacle:
        report.emit("nursery", obstacle=obstacle)
        return
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # else every trial would print it again
    _state["forking"] = True
    child = os.fork()
    if child:
        # Whatever the project waits for, it is not for a child that it doesn't know of.
        os.waitpid(child, 0)
        _state["forking"] = False
        return
    try:
        if os.fork():
            os._exit(0)
        os.setsid()
        directory = _serve()
        _begin(directory)
    except BaseException:
        os._exit(gate.ABORTED)


def _obstacle() -> str:
    """Return why a copy of this process would not be the same, "" if it would.

    A fork takes one thread along, and shares pipes and sockets: https://man7.org/linux/man-pages/man2/fork.2.html
    """
    if sys.platform != "linux":
        return "another system than Linux"
    if os.getpid() != os.getsid(0):
        return "the command's first process is another one"
    # Threads that Python knows nothing of are pools of numerical libraries, which make them anew in a copy. Should one
    # not do so, the trial hangs, and is made once more from a fresh start, as every one that doesn't pass.
    if len(sys._current_frames()) != 1:
        return "{} threads".format(len(sys._current_frames()))
    for thread in os.listdir("/proc/self/task"):
        with open("/proc/self/task/{}/children".format(thread), encoding="ascii") as file:
            if file.read().strip():
                return "processes of its own"
    for name in os.listdir("/proc/self/fd"):
        try:
            mode = os.fstat(int(name)).st_mode
        except OSError:
            continue  # that of the listing
        if int(name) > 2 and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISCHR(mode)):
            return "open pipes or sockets"
        # The copy would keep one of flock(2), and lose one of fcntl(2): https://man7.org/linux/man-pages/man5/proc_pid_fdinfo.5.html
        with open("/proc/self/fdinfo/" + name, encoding="ascii", errors="replace") as file:
            if "\nlock:" in file.read():
                return "a lock on a file"
    return ""


def _serve() -> str:
    """Fork a child for each directory that comes by the fifo; return in the child, with its directory."""
    import select

    for number in (0, 1, 2):
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, number)
        os.close(null)
    from . import loading

    requests = os.open(os.path.join(gate.directory(), FIFO), os.O_RDONLY | os.O_NONBLOCK)
    report.emit("nursery", obstacle="", revisions_read=loading.revisions_read())
    poll = select.poll()
    poll.register(requests, select.POLLIN)
    children: dict[int, str] = {}
    unread = b""
    while True:
        for _, happened in poll.poll(_POLL_MS if children else 1000):
            if not happened & select.POLLIN:
                _end(children)
            lines = (unread + os.read(requests, 1 << 16)).split(b"\n")
            unread = lines.pop()
            for line in lines:
                directory = os.fsdecode(line)
                child = os.fork()
                if not child:
                    os.close(requests)
                    return directory
                children[child] = directory
                _tell(directory, PID, child)
        _reap(children)


def _reap(children: dict[int, str]) -> None:
    """Take note of the trials that have ended, and end what each has left running in its group."""
    while children:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return
        _kill(ended.si_pid)
        _, status = os.waitpid(ended.si_pid, 0)
        directory = children.pop(ended.si_pid, "")
        if directory:
            _tell(directory, STATUS, -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


def _end(children: dict[int, str]) -> None:
    """Go, and all trials with it: the tool has closed the fifo, or is dead."""
    for child in children:
        _kill(child)
    os._exit(0)


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass  # it is not a group yet, or no longer
    try:
        os.kill(group, signal.SIGKILL)
    except OSError:
        pass


def _tell(directory: str, name: str, value: int) -> None:
    path = os.path.join(directory, name)
    with open(path + ".part", "w", encoding="ascii") as file:
        file.write(str(value))
    os.rename(path + ".part", path)


def _begin(directory: str) -> None:
    """Turn this process into a run of its own, whose exchange with the tool is in *directory*."""
    from . import overlay, processes, start

    os.setsid()
    output = os.open(os.path.join(directory, "output"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    report.again(directory)
    gate.again(directory)
    os.environ["ALEMBIC_REHEARSAL_DIR"] = directory
    processes.remember()
    _state["forking"] = False
    start.hello()
    overlay.again()
    if gate.survey():
        _begin_survey()


def _begin_survey() -> None:
    """Hook what a survey hooks when the modules are imported: here they have been."""
    migration: Any = sys.modules.get("alembic.runtime.migration")
    if migration is not None:
        from . import survey

        survey.hook(migration)
    if "sqlalchemy" in sys.modules:
        from . import engines

        engines.watch_transactions()
