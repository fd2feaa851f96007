"""The first process in the application's container: runs the command, and carries what it and the tool tell each other.

The tool may be on another machine than the engine, so nothing is shared but the container's own streams:

- input: "release JSON" writes ready.json, "go TIMES" the file that the probe's barrier waits for, "stop SECONDS" ends
  the command; its end says that the tool is gone.
- output: the lines of events.jsonl as they are written, then one with the command's exit status.
- error output: what the command prints, on either of its streams.

Kept to the syntax of Python 3.6: one that is too old for the probe has to end with the probe's own report.
"""

import os
import select
import signal
import sys
import time

_POLL_S = 0.02
_CHUNK = 1 << 16


class Keeper:
    """The command's process and the run's directory."""

    def __init__(self, directory: str, child: int) -> None:
        self.directory = directory
        self.child = child
        self.status: int | None = None
        self.kill_at: float | None = None
        self.asked = b""
        self.seen = b""
        self.events = os.open(os.path.join(directory, "events.jsonl"), os.O_RDONLY)

    def run(self) -> None:
        """Keep at it until the command has ended and everything is told."""
        while self.status is None:
            self.listen()
            self.pass_on()
            self.reap()
            if self.kill_at is not None and time.time() > self.kill_at:
                _signal(-self.child, signal.SIGKILL)
        self.end_all()
        self.pass_on()
        _write(b'{"event": "keeper-ended", "status": %d}\n' % self.status)

    def listen(self) -> None:
        """Obey what the tool writes."""
        if not select.select([0], [], [], _POLL_S)[0]:
            return
        chunk = os.read(0, _CHUNK)
        if not chunk:
            self.end_all()
            sys.exit(0)
        lines = (self.asked + chunk).split(b"\n")
        self.asked = lines.pop()
        for line in lines:
            word, _, rest = line.partition(b" ")
            if word == b"release":
                self.tell("ready.json", rest)
            elif word == b"go":
                self.tell("go", rest)
            elif word == b"stop":
                self.kill_at = time.time() + float(rest)
                _signal(-self.child, signal.SIGTERM)

    def tell(self, name: str, text: bytes) -> None:
        """Let the probe know something by a file: where the database is; a reader sees all of it or none."""
        path = os.path.join(self.directory, name)
        fd = os.open(path + ".part", os.O_WRONLY | os.O_CREAT, 0o644)
        os.write(fd, text)
        os.close(fd)
        os.rename(path + ".part", path)

    def pass_on(self) -> None:
        """Hand on the events that were written since; a line that isn't whole waits."""
        while True:
            chunk = os.read(self.events, _CHUNK)
            if not chunk:
                return
            whole, newline, self.seen = (self.seen + chunk).rpartition(b"\n")
            _write(whole + newline)

    def reap(self) -> None:
        """Take note of processes that ended: the first one of a container inherits all that lose their parent."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except OSError:
                return
            if pid == 0:
                return
            if pid == self.child:
                self.status = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def end_all(self) -> None:
        """Kill what the command left running."""
        # -1 is everybody: in a container that is what the command has started, if this is its first process.
        _signal(-1 if os.getpid() == 1 else -self.child, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass  # gone already


def _write(content: bytes) -> None:
    while content:
        content = content[os.write(1, content) :]


def _spawn(command: "tuple[str, ...]") -> int:
    """Start *command* as the leader of its own session, without the streams that are the tool's."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        os.write(2, ("%s could not be started: %s\n" % (command[0], error)).encode("utf-8", "replace"))
    os._exit(127)


def main(directory: str, *command: str) -> None:
    """Say hello, and keep *command* until it ends."""
    _write(b'{"event": "keeper"}\n')
    Keeper(directory, _spawn(command)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
