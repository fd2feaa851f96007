"""The kernel's guards around processes: Landlock for TCP, seccomp for Unix sockets."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alembic_rehearsal import attendant, landlock, proc, sandbox, seccomp
from alembic_rehearsal.sandbox import BOTH, NOWHERE, TCP, UNIX, Fence

_needs_landlock = pytest.mark.skipif(not landlock.available(), reason="the kernel has no Landlock rules for TCP")
_needs_seccomp = pytest.mark.skipif(not seccomp.can_notify(), reason="the kernel has no seccomp with notification")
_on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="another machine's system calls")

_CONNECT = """
import socket, sys
for port in map(int, sys.argv[1:]):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        print("connected")
    except OSError as error:
        print(type(error).__name__)
"""

# Each is run by a Python without site-packages; `path` is where it tries to get, and it prints what came of it.
_PLAIN = """
def attempt(wanted):
    with socket.socket(socket.AF_UNIX) as it:
        it.connect(wanted)
    print("connected")
"""
_WAYS = {
    "its path": "attempt(path)",
    "a relative path": "os.chdir(os.path.dirname(path)); attempt('./' + os.path.basename(path))",
    "a link to it": "os.symlink(path, path + '.link'); attempt(path + '.link')",
    "a relative link": "os.symlink(os.path.basename(path), path + '.link'); attempt(path + '.link')",
    "a hard link": "os.link(path, path + '.link'); attempt(path + '.link')",
    "a hard link that is left": "os.rename(path, path + '.moved'); os.link(path + '.moved', path + '.link')\n"
    "os.unlink(path + '.moved'); attempt(path + '.link')",
    "a descendant in a session of its own": (
        "code = 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1]); print(\"connected\")'\n"
        "subprocess.run([sys.executable, '-I', '-S', '-c', code, path], start_new_session=True)"
    ),
    "another thread": "thread = threading.Thread(target=attempt, args=[path]); thread.start(); thread.join()",
    "the C library": (
        "it = socket.socket(socket.AF_UNIX)\n"
        "raw = struct.pack('=H', socket.AF_UNIX) + path.encode() + b'\\0'\n"
        "print(['connected', 'failed'][libc.connect(it.fileno(), raw, len(raw))], ctypes.get_errno())"
    ),
}
# call_i386(number, ...) enters the kernel as a 32-bit program does; what it points to lies below 4 GiB.
_I386 = """
import mmap, errno
MAP_32BIT = 0x40
low = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_32BIT, prot=7)
base = ctypes.addressof(ctypes.c_char.from_buffer(low))
# push rbx; mov eax, edi; mov ebx, esi; mov ecx, edx; mov edx, (third argument) r8d; int 0x80; pop rbx; ret
low[0:15] = bytes.fromhex("53 89f8 89f3 89d1 4489c2 cd80 5b c3".replace(" ", "")) + b"\\x90"
call_i386 = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_int] * 5)(base)
it = socket.socket(socket.AF_UNIX)
raw = struct.pack("=H", socket.AF_UNIX) + path.encode() + b"\\0"
low[256:256 + len(raw)] = raw
low[64:76] = struct.pack("=III", it.fileno(), base + 256, len(raw))
"""
_OTHER_CALLS = {
    # Numbers of asm/unistd_32.h: getpid 20, connect 362, socketcall 102 with SYS_CONNECT 3.
    "i386 connect": _I386 + "print(call_i386(362, it.fileno(), base + 256, 0, len(raw)))",
    "i386 socketcall": _I386 + "print(call_i386(102, 3, base + 64, 0, 0))",
    "x32 connect": (
        "it = socket.socket(socket.AF_UNIX)\n"
        "raw = struct.pack('=H', socket.AF_UNIX) + path.encode() + b'\\0'\n"
        "print(libc.syscall(0x40000000 | 42, it.fileno(), raw, len(raw)), ctypes.get_errno())"
    ),
    "io_uring": "print(libc.syscall(425, 8, ctypes.create_string_buffer(120)), ctypes.get_errno())",
}
_HEAD = "import ctypes, os, socket, struct, subprocess, sys, threading\npath = sys.argv[1]\n"
_HEAD += "libc = ctypes.CDLL(None, use_errno=True)\n" + _PLAIN


@pytest.fixture
def listeners() -> Iterator[tuple[int, int]]:
    """Two ports of 127.0.0.1 that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        yield one.getsockname()[1], two.getsockname()[1]


class Server:
    """A Unix socket that somebody listens on."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path.replace("@", "\0", 1))
        self.socket.listen(64)
        self.socket.setblocking(False)

    def visits(self) -> int:
        """Return how many came."""
        count = 0
        while True:
            try:
                self.socket.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Server]:
    """A socket with the name that libpq looks for."""
    server = Server(f"{tmp_path}/.s.PGSQL.5432")
    yield server
    server.socket.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Server]:
    """A socket of something else, a session bus for instance."""
    server = Server(f"{tmp_path}/bus")
    yield server
    server.socket.close()


def _finished(child: proc.Child) -> str:
    assert child.stdout is not None
    said = child.stdout.read().decode()
    child.wait(10)
    child.stop(0)
    return said


def _attempt(ports: tuple[int, ...], fence: Fence | None, *, through: tuple[str, ...] = ()) -> list[str]:
    argv = [*through, sys.executable, "-c", _CONNECT, *map(str, ports)]
    child = proc.spawn(argv, fence=fence, stdout=subprocess.PIPE)
    said = _finished(child).split()
    assert child.guards == (frozenset() if fence is None else sandbox.available(fence))
    return said


def _run(code: str, path: str, fence: Fence | None = None) -> tuple[str, proc.Child]:
    argv = [sys.executable, "-I", "-S", "-u", "-c", _HEAD + code, path]
    fence = Fence(()) if fence is None else fence
    child = proc.spawn(argv, fence=fence, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return _finished(child), child


@_needs_landlock
def test_only_the_allowed_port_can_be_connected_to(listeners: tuple[int, int]) -> None:
    """The kernel answers EACCES for the other one."""
    assert _attempt(listeners, Fence((listeners[0],))) == ["connected", "PermissionError"]


@_needs_landlock
def test_no_port_at_all_may_be_allowed(listeners: tuple[int, int]) -> None:
    """An empty collection is not the same as none given."""
    assert _attempt(listeners, Fence(())) == ["PermissionError", "PermissionError"]


@_needs_landlock
def test_descendants_inherit_the_fence(listeners: tuple[int, int]) -> None:
    """A shell in between changes nothing."""
    assert _attempt(listeners, Fence(()), through=("sh", "-c", '"$@"; exit', "sh")) == ["PermissionError"] * 2


def test_without_a_fence_there_is_none(listeners: tuple[int, int]) -> None:
    """The default leaves a child as it is."""
    assert _attempt(listeners, None) == ["connected", "connected"]


@_needs_landlock
@_needs_seccomp
@pytest.mark.parametrize("fence", [Fence(()), NOWHERE], ids=["command", "server"])
def test_the_tool_itself_stays_free(fence: Fence, listeners: tuple[int, int], postgres: Server) -> None:
    """The restriction holds for the thread that starts the child, which ends with it."""
    _attempt(listeners, fence)

    socket.create_connection(("127.0.0.1", listeners[1])).close()
    with socket.socket(socket.AF_UNIX) as mine:
        mine.connect(postgres.path)


def test_a_kernel_without_landlock_is_said(listeners: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The child starts, and `guards` tells that nothing holds it by TCP."""
    monkeypatch.setattr(landlock, "abi", lambda: 3)

    assert TCP not in sandbox.available(Fence(()))
    assert _attempt(listeners, Fence(())) == ["connected", "connected"]


@_needs_seccomp
def test_a_server_is_fenced_in_without_landlock(listeners: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """What may connect nowhere needs no list of ports."""
    monkeypatch.setattr(landlock, "abi", lambda: 0)

    assert sandbox.available(NOWHERE) == BOTH
    assert _attempt(listeners, NOWHERE) == ["PermissionError", "PermissionError"]


def test_a_kernel_without_seccomp_is_said(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child starts, and `guards` tells that nothing holds it by Unix socket."""
    monkeypatch.setattr(seccomp, "_machine", lambda: None)

    said, child = _run(_WAYS["its path"], postgres.path)

    assert said.split() == ["connected"]
    assert UNIX not in child.guards
    assert UNIX not in sandbox.available()


@_needs_seccomp
def test_somebody_who_attends_already_is_said(postgres: Server) -> None:
    """A rehearsal within a rehearsal: the kernel allows one listener, and the outer one goes on."""
    inner = (
        "import sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from alembic_rehearsal import proc, sandbox\n"
        "child = proc.spawn([sys.executable, '-c', ''], fence=sandbox.Fence(()))\n"
        "child.wait(10)\n"
        "print(sorted(child.guards))\n"
        "child = proc.spawn([sys.executable, '-c', ''], fence=sandbox.NOWHERE)\n"
        "child.wait(10)\n"
        "print(sorted(child.guards))\n"
    )
    said, child = _run(inner + _WAYS["its path"], postgres.path)

    assert UNIX in child.guards
    assert said.splitlines()[:2] == [str(sorted({TCP} & sandbox.available(Fence(())))), str(sorted(BOTH))]
    assert postgres.visits() == 0


@_needs_seccomp
@pytest.mark.parametrize("way", _WAYS)
def test_a_socket_of_postgresql_is_out_of_reach(way: str, postgres: Server) -> None:
    """However it is named, and whoever among the descendants does it; the tool learns who wanted to go where."""
    said, child = _run(_WAYS[way], postgres.path)

    assert postgres.visits() == 0
    assert "connected" not in said.splitlines()
    assert "Permission denied" in said or "failed 13" in said
    [refusal] = child.refused
    assert refusal.path.replace(".link", "").rpartition("/")[2] == ".s.PGSQL.5432"
    assert refusal.program.startswith("python")


@_needs_seccomp
@_on_x86
@pytest.mark.parametrize("way", _OTHER_CALLS)
def test_other_ways_into_the_kernel_are_closed(way: str, postgres: Server) -> None:
    """A 32-bit program's call, x32's, and a ring that connects by itself: EACCES or ENOSYS, or the kernel has none."""
    said, _ = _run(_OTHER_CALLS[way], postgres.path)

    assert postgres.visits() == 0
    assert said.split() in (["-13"], ["-1", "38"]) or "Segmentation" in said or not said, said


@_needs_seccomp
@_on_x86
def test_the_32_bit_calls_of_the_test_above_are_real() -> None:
    """Other calls of that kind still work: getpid has the number 20. A kernel may have none of them."""
    said, _ = _run(_I386 + "print(call_i386(20, 0, 0, 0, 0) == os.getpid())", "/nowhere")

    assert said.split() in (["True"], [])


@_needs_seccomp
def test_a_path_that_is_not_utf_8_can_be_reported(tmp_path: Path) -> None:
    """Any bytes but zero make a path; what is refused goes into a report in UTF-8."""
    said, child = _run("attempt(os.fsencode(path) + b'/\\xff/.s.PGSQL.1')", os.fspath(tmp_path))

    assert "Permission denied" in said
    assert [each.path for each in child.refused] == [f"{tmp_path}/\N{REPLACEMENT CHARACTER}/.s.PGSQL.1"]


@_needs_seccomp
def test_an_abstract_socket_of_postgresql_is_out_of_reach(tmp_path: Path) -> None:
    """A setting that begins with @ makes one, which no directory shows."""
    server = Server(f"@{tmp_path}/.s.PGSQL.5432")
    said, child = _run("attempt('\\0' + path)", f"{tmp_path}/.s.PGSQL.5432")

    assert server.visits() == 0
    assert "Permission denied" in said
    assert [each.path for each in child.refused] == [server.path]
    server.socket.close()


@_needs_seccomp
def test_other_sockets_work(other: Server) -> None:
    """What a command needs of its own machine: buses, forkservers, name service; and pairs."""
    said, child = _run("attempt(path); pair = socket.socketpair(); pair[0].send(b'x')", other.path)

    assert said.split() == ["connected"]
    assert other.visits() == 1
    assert child.refused == ()


@_needs_seccomp
def test_the_rehearsals_own_socket_works(postgres: Server, tmp_path: Path) -> None:
    """A server that was named with --postgres may be one by Unix socket; another port of it stays closed."""
    second = Server(f"{tmp_path}/.s.PGSQL.5433")
    code = "attempt(path)\nattempt(path.replace('5432', '5433'))"
    said, _ = _run(code, postgres.path, Fence((), own_socket=postgres.path))

    assert said.splitlines()[0] == "connected"
    assert "Permission denied" in said
    assert (postgres.visits(), second.visits()) == (1, 0)
    second.socket.close()


@_needs_seccomp
def test_the_server_reaches_no_socket_but_may_listen(other: Server, tmp_path: Path) -> None:
    """Its own clients come by Unix socket; it has nowhere to go itself."""
    code = "it = socket.socket(socket.AF_UNIX); it.bind(path + '.own'); it.listen(); attempt(path)"
    said, _ = _run(code, other.path, NOWHERE)

    assert "Permission denied" in said
    assert (tmp_path / "bus.own").exists()
    assert other.visits() == 0


@_needs_landlock
@_needs_seccomp
def test_an_old_server_may_use_datagrams(other: Server, listeners: tuple[int, int]) -> None:
    """UDP, and neither TCP nor Unix sockets, be they PostgreSQL's or not."""
    fence = Fence((), connects=False, datagrams=True)
    code = "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9)); print('went'); attempt(path)"
    said, child = _run(code, other.path, fence)

    assert child.guards == BOTH
    assert said.startswith("went\n")
    assert "Permission denied" in said
    assert other.visits() == 0
    assert _attempt(listeners, fence) == ["PermissionError"] * 2


@_needs_seccomp
def test_multiprocessing_works() -> None:
    """A manager and a forkserver are talked to by Unix socket."""
    code = (
        "import multiprocessing\n"
        "context = multiprocessing.get_context('forkserver')\n"
        "with context.Manager() as manager, context.Pool(2) as pool:\n"
        "    shared = manager.dict()\n"
        "    shared['sum'] = sum(pool.map(abs, [-1, -2]))\n"
        "    print(shared['sum'])\n"
    )
    said, _ = _run(code, "")

    assert said.split() == ["3"]


@_needs_seccomp
def test_the_guard_outlives_the_child_for_its_strays(postgres: Server) -> None:
    """A daemon that left the process group is still behind it, until it ends; then nothing is left of the guard."""
    before = set(threading.enumerate())
    code = (
        "between = os.fork()\n"
        "if between == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        import time; time.sleep(0.5)\n"
        "        try: attempt(path)\n"
        "        except OSError as error: print(error.errno)\n"
        # What is in the child's group when it ends goes with it.
        "else: os.waitpid(between, 0)\n"
    )
    said, _ = _run(code, postgres.path)

    assert said.split() == ["13"]
    assert postgres.visits() == 0
    _settle(before)


def _settle(before: set[threading.Thread]) -> None:
    deadline = time.monotonic() + 10
    while set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, threading.enumerate()
        time.sleep(0.01)


@_needs_seccomp
def test_nothing_hangs_when_processes_are_killed_in_the_middle(other: Server) -> None:
    """Threads that connect without end, killed at any moment: the guard goes away with them."""
    before = set(threading.enumerate())
    code = (
        "def again():\n"
        "    while True:\n"
        "        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it: it.connect(('127.0.0.1', 9))\n"
        "for _ in range(4): threading.Thread(target=again).start()\n"
    )
    for _ in range(5):
        argv = [sys.executable, "-I", "-S", "-c", _HEAD + code, other.path]
        child = proc.spawn(argv, fence=Fence(()))
        time.sleep(0.15)
        child.stop(0)
    _settle(before)


@_needs_seccomp
def test_when_the_tool_is_killed_nothing_waits_for_it(tmp_path: Path, postgres: Server, other: Server) -> None:
    """What has outlived it gets an error from connect() at once, ENOSYS, and not a way out."""
    stray = (
        _HEAD
        + "import time\nos.setsid(); time.sleep(1)\n"
        + "for each in (path, sys.argv[2]):\n"
        + "    try: attempt(each)\n"
        + "    except OSError as error: print(error.errno, flush=True)\n"
    )
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-I', '-S', '-c', {stray!r}, *sys.argv[1:]])"
    tool = (
        "import subprocess, sys, time\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from alembic_rehearsal import proc, sandbox\n"
        f"argv = [sys.executable, '-I', '-S', '-c', {code!r} + '; import time; time.sleep(60)', *sys.argv[1:]]\n"
        "proc.spawn(argv, fence=sandbox.Fence(()), stdout=sys.stdout)\n"
        "time.sleep(0.5)\n"
        "import os; os.kill(os.getpid(), 9)\n"
    )
    argv = [sys.executable, "-c", tool, postgres.path, other.path]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=30, check=False)

    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["38", "38"]
    assert postgres.visits() + other.visits() == 0


def _anybodys_python() -> str:
    """Return a Python that an ordinary user may run: root's own may lie in root's home."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        argv = [candidate, "-I", "-S", "-c", "import ctypes, socket, subprocess"]
        with contextlib.suppress(OSError):
            if subprocess.run(argv, user=65534, group=65534, capture_output=True, check=False).returncode == 0:
                return candidate
    pytest.skip("there is no Python here that an ordinary user may run")


@_needs_seccomp
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_has_the_guard_too(postgres: Server, other: Server, tmp_path: Path) -> None:
    """No capability is needed; what can't be looked into reaches nothing."""
    for place in (tmp_path, *tmp_path.parents):
        if place.stat().st_uid == os.geteuid() and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o711)
    Path(postgres.path).chmod(0o777)
    Path(other.path).chmod(0o777)
    python = _anybodys_python()
    hidden = "libc.prctl(4, 0, 0, 0, 0)\n"  # PR_SET_DUMPABLE
    datagram = "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9)); print('went')\n"
    code = (
        "import os\nos.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "import subprocess\n"
        "def tried(code, path):\n"
        f"    argv = [{python!r}, '-I', '-S', '-c', {_HEAD!r} + code, path]\n"
        "    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT}\n"
        "    child = proc.spawn(argv, fence=sandbox.Fence(()), **pipes)\n"
        "    said = child.stdout.read().decode()\n"
        "    child.wait(10)\n"
        "    print(said.split()[-1], [each.path for each in child.refused])\n"
        f"tried('attempt(path)', {postgres.path!r})\n"
        f"tried('attempt(path)', {other.path!r})\n"
        f"tried({hidden!r} + 'attempt(path)', {other.path!r})\n"
        f"tried({hidden!r} + {datagram!r}, '')\n"
    )
    imports = f"import sys\nsys.path[:0] = {sys.path!r}\nfrom alembic_rehearsal import proc, sandbox\n"
    done = subprocess.run([sys.executable, "-c", imports + code], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"denied {[postgres.path]}", "connected []", "denied ['']", "denied ['']"]


def test_what_kind_a_socket_is_shows_without_its_address(postgres: Server) -> None:
    """For a process whose memory can't be read; what can't be told either is taken for a Unix socket."""
    with socket.socket() as other, socket.socket(socket.AF_UNIX) as unconnected:
        kinds = [attendant._is_unix(os.getpid(), each.fileno()) for each in (postgres.socket, unconnected, other)]
        nowhere = attendant._is_unix(os.getpid(), 1 << 20)

    assert kinds == [True, True, False]
    assert nowhere


def test_names_that_are_postgresqls() -> None:
    """Only the last part of the path counts, and the port is a number."""
    for name in (".s.PGSQL.5432", ".s.PGSQL.1"):
        assert attendant._POSTGRES.fullmatch(name)
    for name in (".s.PGSQL.5432.lock", "s.PGSQL.5432", ".s.PGSQL.", ".s.PGSQL.x"):
        assert not attendant._POSTGRES.fullmatch(name)
